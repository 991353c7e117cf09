use serde_json::json;

use super::grammar::{LineError, read, read_all};
use super::*;
use crate::protocol::authorize::claims_request::Asked;
use crate::protocol::client::tests::client;
use crate::protocol::scope::Scopes;
use crate::protocol::token::claims::tests::alice;
use crate::protocol::token::claims::{AccessTokenClaims, userinfo};
use crate::protocol::token::description::Description;
use crate::protocol::user::Profile;

fn mappings(lines: &[&str]) -> Vec<ClaimMapping> {
    read_all(&lines.join("\n")).unwrap()
}

fn texts(lines: &[&str]) -> Vec<String> {
    check(&mappings(lines)).into_iter().map(|problem| problem.text).collect()
}

fn given(lines: &[&str], place: Place) -> Value {
    Value::Object(told(&mappings(lines), Some(&alice()), place))
}

#[test]
fn a_claim_is_told_where_it_is_meant_to_be_and_nowhere_else() {
    let lines = ["login@id_token=profile:username", "plan@access_token,userinfo=value:gold"];
    assert_eq!(given(&lines, Place::IdToken), json!({ "login": "alice" }));
    assert_eq!(given(&lines, Place::AccessToken), json!({ "plan": "gold" }));
    assert_eq!(given(&lines, Place::Userinfo), json!({ "plan": "gold" }));
    assert_eq!(given(&[], Place::Userinfo), json!({}));
}

#[test]
fn a_group_is_a_yes_or_no_or_a_value_for_those_in_it() {
    let lines = [
        "is_staff@userinfo=group:staff",
        "is_board@userinfo=group:board",
        "tier@userinfo=group:board=1",
        "tier@userinfo=group:staff=2",
        "tier@userinfo=value:3",
        "seat@userinfo=group:board=true",
    ];
    let expected = json!({ "is_staff": true, "is_board": false, "tier": 2 });
    assert_eq!(given(&lines, Place::Userinfo), expected);
}

#[test]
fn what_a_profile_does_not_say_is_left_out_and_addresses_are_told_once_they_are_verified() {
    let all: Vec<_> = ProfileField::ALL
        .iter()
        .map(|f| format!("x_{0}@userinfo=profile:{0}", f.as_str()))
        .collect();
    let all = mappings(&all.iter().map(String::as_str).collect::<Vec<_>>());
    let mut user = alice();
    let claims = json!(told(&all, Some(&user), Place::Userinfo));
    let expected =
        json!({ "x_username": "alice", "x_name": "Alice", "x_email": "alice@example.test" });
    assert_eq!(claims, expected);
    user.email_verified = false;
    user.profile.phone_number = Some("+1".into());
    assert_eq!(told(&all, Some(&user), Place::Userinfo).len(), 2);
    user.profile.phone_number_verified = Some(true);
    assert_eq!(told(&all, Some(&user), Place::Userinfo)["x_phone_number"], "+1");
}

#[test]
fn something_long_from_a_profile_is_in_userinfo_alone_and_takes_nothing_else_with_it() {
    let mut user = alice();
    // 126 characters and two quotes.
    for (length, is_told) in [(126, true), (127, false)] {
        user.profile = Profile { nickname: Some("x".repeat(length)), ..Profile::default() };
        let both = mappings(&[
            "nick@id_token,access_token,userinfo=profile:nickname",
            "barred@id_token,access_token=value:true",
        ]);
        for place in [Place::IdToken, Place::AccessToken] {
            let claims = told(&both, Some(&user), place);
            assert_eq!((claims.contains_key("nick"), &claims["barred"]), (is_told, &json!(true)));
        }
        assert!(told(&both, Some(&user), Place::Userinfo).contains_key("nick"));
    }
}

#[test]
fn without_a_person_there_is_what_is_the_same_for_everybody() {
    let all = mappings(&[
        "plan@access_token=value:gold",
        "login@access_token=profile:username",
        "is_staff@access_token=group:staff",
        "tier@access_token=group:staff=1",
    ]);
    assert_eq!(json!(told(&all, None, Place::AccessToken)), json!({ "plan": "gold" }));
}

#[test]
fn names_that_mean_something_are_refused_and_never_told() {
    for name in [
        "iss",
        "sub",
        "aud",
        "exp",
        "iat",
        "nbf",
        "jti",
        "nonce",
        "auth_time",
        "acr",
        "amr",
        "azp",
        "sid",
        "at_hash",
        "c_hash",
        "s_hash",
        "scope",
        "client_id",
        "cnf",
        "act",
        "may_act",
        "events",
        "roles",
        "groups",
        "org_id",
        "org_name",
        "email",
        "email_verified",
        "name",
        "SUB",
        "Roles",
        "active",
        "grant",
        "user_version",
    ] {
        let line = format!("{name}@id_token,access_token,userinfo=value:x");
        let found = texts(&[&line]);
        assert!(found[0].contains("answers itself"), "{name}: {found:?}");
        assert_eq!(given(&[&line], Place::AccessToken), json!({}), "{name}");
    }
}

/// Whatever this server says of a token or a person is a name that no mapping may have.
#[test]
fn every_claim_of_this_server_is_reserved() {
    let told = json!({
        "iss": "i", "sub": "s", "aud": "a", "exp": 9, "iat": 1, "jti": "j", "client_id": "c",
        "scope": "openid", "auth_time": 1, "acr": "aal1", "amr": ["pwd"], "sid": "x", "groups": ["g"],
        "roles": ["r"], "org_id": "o", "org_name": "O", "cnf": { "jkt": "k" }, "act": {}, "authorization_details": [{}],
        "more_userinfo": true, "grant": "g", "origins": [{ "grant": "o", "client": "p", "version": 1 }],
        "actors": [{}], "user_version": 3, "client_version": 4,
    });
    let claims: AccessTokenClaims = serde_json::from_value(told).unwrap();
    assert!(claims.mapped.is_empty(), "{:?}", claims.mapped);
    let described = json!(Description::of(&claims));
    let written = json!(claims);
    let names = written.as_object().unwrap().keys().chain(described.as_object().unwrap().keys());
    for name in names {
        assert!(is_reserved(name), "{name}");
    }
    let mut user = alice();
    user.profile = serde_json::from_value(json!({
        "given_name": "x", "family_name": "x", "middle_name": "x", "nickname": "x", "profile": "x",
        "picture": "x", "website": "x", "gender": "x", "birthdate": "x", "zoneinfo": "x", "locale": "x",
        "phone_number": "x", "phone_number_verified": true, "address": { "country": "x" },
    }))
    .unwrap();
    let scopes = Scopes::from_tokens(Scopes::STANDARD);
    let info = userinfo((&user, &client()), "s", (&scopes, &Asked::new()), None);
    assert!(info.len() > 20, "{info:?}");
    for name in info.keys() {
        assert!(is_reserved(name), "{name}");
    }
}

#[test]
fn hostile_names_and_values_are_refused() {
    let long = "x".repeat(LONGEST_NAME + 1);
    for name in ["", "1x", "_x", "x y", "ä", "x\"", "x#de", "__proto__", "x\u{202e}", "x\\", &long]
    {
        assert_eq!(texts(&[&format!("{name}@id_token=value:1")]).len(), 1, "{name:?}");
    }
    for name in ["x", "https://app.test/claims/plan", "urn:x:y", "a-b_c.d", &long[1..]] {
        assert_eq!(texts(&[&format!("{name}@id_token=value:1")]), [""; 0], "{name}");
    }
    let long = "x".repeat(LONGEST_TEXT + 1);
    for value in ["", "\"\"", "\"\\u0000\"", "x\u{202e}y", "\"\\n\"", "9007199254740992", &long] {
        assert_eq!(texts(&[&format!("x@id_token=value:{value}")]).len(), 1, "{value:?}");
        assert_eq!(texts(&[&format!("x@id_token=group:a={value}")]).len(), 1, "{value:?}");
    }
    let long = "x".repeat(101);
    for group in ["", "\"\"", "\" a\"", "a\u{200b}b", &long] {
        assert_eq!(texts(&[&format!("x@id_token=group:{group}")]).len(), 1, "{group:?}");
    }
}

#[test]
fn a_mapping_has_one_source_and_a_place() {
    let read = |value: Value| serde_json::from_value::<ClaimMapping>(value);
    for bad in [
        json!({ "claim": "x", "in": ["id_token"] }),
        json!({ "claim": "x", "in": [], "value": 1 }),
        json!({ "claim": "x", "in": ["id_token"], "profile": "locale", "value": 1 }),
        json!({ "claim": "x", "in": ["id_token"], "profile": "locale", "group": "staff" }),
    ] {
        let mapping = read(bad.clone()).unwrap();
        assert_eq!(check(std::slice::from_ref(&mapping)).len(), 1, "{bad}");
        assert!(mapping.source().is_none() || mapping.places.is_empty());
    }
    for unreadable in [
        json!({ "claim": "x", "in": ["everywhere"], "value": 1 }),
        json!({ "claim": "x", "in": ["id_token"], "profile": "password" }),
        json!({ "claim": "x", "in": ["id_token"], "value": { "a": 1 } }),
        json!({ "claim": "x", "in": ["id_token"], "value": 1.5 }),
        json!({ "claim": "x", "in": ["id_token"], "value": 1, "more": 1 }),
    ] {
        assert!(read(unreadable.clone()).is_err(), "{unreadable}");
    }
}

#[test]
fn there_are_twenty_at_most_and_a_token_stays_small() {
    let many = |count: usize, line: &str| {
        let line = |n: usize| line.replace('N', &n.to_string());
        let lines: Vec<_> = (0..count).map(line).collect();
        texts(&lines.iter().map(String::as_str).collect::<Vec<_>>())
    };
    assert!(many(20, "cN@id_token,access_token=value:1").is_empty());
    assert_eq!(many(21, "cN@id_token=value:1"), ["has more than 20 entries"]);
    assert!(many(20, "cN@userinfo=profile:name").is_empty());
    let found = many(20, "cN@userinfo,access_token=profile:name");
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("access_token") && found[0].contains("2048"), "{found:?}");
    // What is counted is what is told.
    let exact = mappings(&["plan@id_token=value:\"é \\\" x\"", "flag@id_token=value:false"]);
    let told = json!(told(&exact, None, Place::IdToken)).to_string();
    assert_eq!(super::rules::most_bytes(&exact, Place::IdToken), told.len() - 1);
}

#[test]
fn a_line_is_read_as_it_is_written() {
    for line in [
        "login@id_token,access_token,userinfo=profile:username",
        "is_admin@access_token=group:admins",
        "is_lead@access_token=group:team/wiki editors",
        "tier@userinfo=group:gold=1",
        "tier@userinfo=group:\"a=b\"=\"true\"",
        "odd@userinfo=group:\"\\\"quoted\\\"\"",
        "plan@id_token=value:gold plan",
        "plan@id_token=value:a=b",
        "number@id_token=value:-7",
        "text@id_token=value:\"-7\"",
        "text@id_token=value:007",
        "flag@id_token=value:false",
        "text@id_token=value:\" x\"",
        "https://app.test/x@id_token=value:https://app.test/",
    ] {
        let mapping = read(line).unwrap();
        assert_eq!(mapping.to_string(), line);
        let kept: ClaimMapping = serde_json::from_value(json!(mapping)).unwrap();
        assert_eq!(kept, mapping, "{line}");
    }
    let spaced = read("  tier @ userinfo , id_token = group : staff = gold ").unwrap();
    assert_eq!(spaced.to_string(), "tier@id_token,userinfo=group:staff=gold");
    for (line, error) in [
        ("tier", LineError::Form),
        ("tier=value:1", LineError::Form),
        ("tier@id_token", LineError::Form),
        ("tier@=value:1", LineError::Place),
        ("tier@id-token=value:1", LineError::Place),
        ("tier@id_token=gold", LineError::Source),
        ("tier@id_token=secret:gold", LineError::Source),
        ("tier@id_token=profile:password", LineError::Field),
        ("tier@id_token=value:\"x", LineError::Quotes),
        ("tier@id_token=value:\"x\" y", LineError::Quotes),
        ("tier@id_token=group:\"x\"y", LineError::Quotes),
    ] {
        assert_eq!(read(line), Err(error), "{line}");
    }
    let found = read_all("a@userinfo=value:1\r\n\r\nwhat\r\nb@userinfo=value:2\nb@x=value:1");
    assert_eq!(found, Err(vec![(3, LineError::Form), (5, LineError::Place)]));
}
