-- Asks Doorward about a request: http-request lua.doorward URL
--
-- Sets txn.doorward_status (200, 401, 403 or 503) and, when there is a page to sign in at,
-- txn.doorward_location. With 200 the identity headers of the request are set, blank ones too.

local identity = {
    "x-user-id", "x-user-email", "x-user-name", "x-user-groups", "x-user-roles", "x-org-id",
    "x-session-id", "x-request-id", "x-doorward-assertion",
}

-- What of the browser's headers Doorward gets to see.
local passed_on = {
    "cookie", "authorization", "accept", "sec-fetch-mode", "x-requested-with",
}

-- The values of a header in the order they came; HAProxy counts from 0.
local function values(headers, name)
    local found, at = {}, 0
    while headers[name] and headers[name][at] do
        found[#found + 1] = headers[name][at]
        at = at + 1
    end
    return found
end

core.register_action("doorward", { "http-req" }, function(txn, url)
    txn:set_var("txn.doorward_status", 503)
    local headers = txn.http:req_get_headers()
    -- A number up to HAProxy 3.0, true or false since.
    local tls = txn.f:ssl_fc()
    local is_tls = tls == 1 or tls == true
    local question = {
        ["x-forwarded-proto"] = { is_tls and "https" or "http" },
        ["x-forwarded-host"] = values(headers, "host"),
        ["x-forwarded-uri"] = { txn.f:pathq() },
        ["x-forwarded-method"] = { txn.f:method() },
        ["x-forwarded-for"] = { txn.f:src() },
    }
    for _, name in ipairs(passed_on) do
        local found = values(headers, name)
        if #found > 0 then
            question[name] = found
        end
    end

    local client = core.httpclient()
    local answer = client:get({ url = url, headers = question, timeout = 5000 })
    if not answer or not answer.status then
        return
    end
    local told = answer.headers or {}
    if answer.status == 200 then
        for _, name in ipairs(identity) do
            local found = values(told, name)
            -- Doorward always says all of them, once.
            if #found ~= 1 then
                return
            end
            txn.http:req_set_header(name, found[1])
        end
        -- The gateway's cookie is of no use to the app, so the app does not get it.
        local cookies = table.concat(values(headers, "cookie"), "; ")
        local kept = {}
        for cookie in cookies:gmatch("[^;]+") do
            cookie = cookie:match("^%s*(.-)%s*$")
            if cookie ~= "" and not cookie:find("__Secure-doorward_gateway=", 1, true) then
                kept[#kept + 1] = cookie
            end
        end
        txn.http:req_del_header("cookie")
        if #kept > 0 then
            txn.http:req_set_header("cookie", table.concat(kept, "; "))
        end
        txn:set_var("txn.doorward_status", 200)
    elseif answer.status == 401 or answer.status == 403 then
        txn:set_var("txn.doorward_status", answer.status)
        local place = values(told, "location")
        if answer.status == 401 and #place == 1 then
            txn:set_var("txn.doorward_location", place[1])
        end
    end
end, 1)
