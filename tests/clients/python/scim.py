"""Provisions people and groups with scim2-client, and tries the server with scim2-tester. One JSON
question on standard input with the `base` and the `token`, one JSON answer:

{ check }                     -> { results: [{ status, title, resource, reason }] }
{ provision: { name, password } } -> { user, group, members, found }
{ change: { user, active } }  -> { active, given_name, locale }
{ leave: { user, group } }    -> { gone }
"""

import json
import sys

from httpx2 import Client
from scim2_client import SCIMClientException
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_models import PatchOp, PatchOperation, SCIMException, SearchRequest
from scim2_tester import check_server


def check(scim, _):
    results = check_server(scim)
    return {
        "results": [
            {
                "status": result.status.name,
                "title": result.title,
                "resource": result.resource_type,
                "reason": str(result.reason),
            }
            for result in results
        ]
    }


def provision(scim, wanted):
    User, Group = models(scim)
    name = wanted["name"]
    user = User(
        user_name=name,
        external_id=f"directory-{name}",
        password=wanted["password"],
        name=User.Name(given_name="Given", family_name="Family"),
        emails=[User.Emails(value=f"{name}@people.test")],
        active=True,
    )
    user = scim.create(user)
    group = scim.create(Group(display_name=f"{name}'s", members=[Group.Members(value=user.id)]))
    found = scim.query(User, query_parameters=SearchRequest(filter=f'userName eq "{name}"'))
    return {
        "user": user.id,
        "group": group.id,
        "members": [member.value for member in group.members],
        "found": [person.id for person in found.resources],
    }


def change(scim, wanted):
    User, _ = models(scim)
    operations = [
        PatchOperation(op="replace", path="active", value=wanted["active"]),
        PatchOperation(op="add", path="name.givenName", value="Changed"),
        PatchOperation(op="add", path="locale", value="de-CH"),
    ]
    scim.modify(User, wanted["user"], PatchOp[User](operations=operations))
    user = scim.query(User, wanted["user"])
    return {"active": user.active, "given_name": user.name.given_name, "locale": user.locale}


def leave(scim, wanted):
    User, Group = models(scim)
    scim.delete(Group, wanted["group"])
    scim.delete(User, wanted["user"])
    try:
        scim.query(User, wanted["user"])
    except (SCIMClientException, SCIMException) as error:
        return {"gone": str(error)}
    return {"gone": None}


def models(scim):
    scim.discover()
    return scim.get_resource_model("User"), scim.get_resource_model("Group")


question = json.load(sys.stdin)
headers = {"Authorization": f"Bearer {question['token']}"}
steps = {"check": check, "provision": provision, "change": change, "leave": leave}
step = next(name for name in steps if name in question)
with Client(base_url=question["base"], headers=headers, timeout=60) as http:
    print(json.dumps(steps[step](SyncSCIMClient(http), question[step])))
