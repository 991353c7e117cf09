use super::*;
use crate::protocol::app_roles::AppRoles;
use crate::protocol::authorize::claims_request::ClaimsRequest;
use crate::protocol::client::tests::client;
use crate::protocol::user::Address;
use crate::protocol::user::Profile;

pub(crate) fn alice() -> User {
    User {
        id: UserId::new("u-1"),
        username: "alice".into(),
        email: Some("alice@example.test".into()),
        email_verified: true,
        name: Some("Alice".into()),
        profile: Profile {
            nickname: Some(String::new()),
            address: Some(Address::default()),
            ..Profile::default()
        },
        groups: vec!["staff".into()],
        external_id: None,
        app_roles: AppRoles::default(),
        role: None,
        disabled_at: None,
        delete_at: None,
        token_version: 0,
        created_at: UnixTime(1),
        updated_at: UnixTime(2),
    }
}

fn facts<'a>(client: &'a Client, user: &'a User, scopes: &'a Scopes) -> IdTokenFacts<'a> {
    IdTokenFacts {
        issuer: "https://op.test",
        client,
        user,
        subject: user.id.as_str(),
        scopes,
        authentication: Authentication {
            auth_time: UnixTime(5),
            acr: "aal1",
            amr: &[],
            session_id: None,
        },
        organisation: None,
        nonce: Some("n"),
        asked: const { &Asked::new() },
        at_hash: None,
        now: UnixTime(10),
        lifetime: 600,
    }
}

#[test]
fn scope_claims_go_to_userinfo_and_stay_out_of_the_id_token() {
    let (client, user, scopes) =
        (client(), alice(), Scopes::parse("openid profile groups").unwrap());
    let token = id_token(&facts(&client, &user, &scopes));
    assert!(!token.contains_key("name"));
    assert_eq!(token.get("groups").unwrap(), &json!(["staff"]));
    assert_eq!(token.get("aud").unwrap(), "conf-basic");
    assert_eq!(token.get("auth_time").unwrap(), 5);
    assert_eq!(
        userinfo((&user, &client), "u-1", (&scopes, &Asked::new()), None).get("name").unwrap(),
        "Alice"
    );
}

#[test]
fn a_client_may_ask_for_the_claims_in_the_id_token_too() {
    let (mut client, user, scopes) = (client(), alice(), Scopes::parse("openid profile").unwrap());
    client.metadata.claims_in = ClaimsPlacement::IdTokenToo;
    assert_eq!(id_token(&facts(&client, &user, &scopes)).get("name").unwrap(), "Alice");
}

#[test]
fn claims_without_a_value_are_left_out() {
    let claims = userinfo(
        (&alice(), &client()),
        "u-1",
        (&Scopes::from_tokens(Scopes::STANDARD), &Asked::new()),
        None,
    );
    for absent in ["nickname", "address", "phone_number", "phone_number_verified", "picture"] {
        assert!(!claims.contains_key(absent), "{absent}");
    }
    assert!(claims.values().all(|v| !v.is_null() && v != ""));
}

#[test]
fn claims_asked_for_by_name_go_where_they_were_asked_for() {
    let (client, user, scopes) = (client(), alice(), Scopes::parse("openid").unwrap());
    let request = ClaimsRequest::parse(
        r#"{"userinfo":{"name":{"essential":true},"gender":null,
             "preferred_username":{"value":"somebody else"},"sub":null},
            "id_token":{"email":null,"groups":null,"acr":null}}"#,
    )
    .unwrap();
    let info = userinfo((&user, &client), "u-1", (&scopes, &request.userinfo), None);
    assert_eq!(info.keys().collect::<Vec<_>>(), ["name", "sub"]);
    let mut facts = facts(&client, &user, &scopes);
    facts.asked = &request.id_token;
    let token = id_token(&facts);
    assert_eq!(token.get("email").unwrap(), "alice@example.test");
    assert_eq!(token.get("groups").unwrap(), &json!(["staff"]));
    assert!(!token.contains_key("name"));
}

#[test]
fn email_verified_is_a_boolean_and_updated_at_a_number() {
    let claims = userinfo(
        (&alice(), &client()),
        "u-1",
        (&Scopes::from_tokens(Scopes::STANDARD), &Asked::new()),
        None,
    );
    assert_eq!(claims.get("email_verified").unwrap(), true);
    assert!(claims.get("updated_at").unwrap().is_i64());
}

#[test]
fn a_person_in_very_many_groups_gets_them_from_userinfo_only() {
    let (client, mut user, scopes) = (client(), alice(), Scopes::parse("openid groups").unwrap());
    user.groups = (0..60).map(|n| format!("group-{n}")).collect();
    assert!(!id_token(&facts(&client, &user, &scopes)).contains_key("groups"));
    assert_eq!(
        userinfo((&user, &client), "u-1", (&scopes, &Asked::new()), None)
            .get("groups")
            .unwrap()
            .as_array()
            .unwrap()
            .len(),
        60
    );
}

#[test]
fn the_organisation_is_told_to_whom_has_its_scope() {
    let (client, user) = (client(), alice());
    let organisation = ActiveOrganisation { id: OrganisationId::new("o-1"), name: "Acme".into() };
    for (scopes, told) in [("openid org", true), ("openid profile groups", false)] {
        let scopes = Scopes::parse(scopes).unwrap();
        let facts =
            IdTokenFacts { organisation: Some(&organisation), ..facts(&client, &user, &scopes) };
        let info = userinfo((&user, &client), "s", (&scopes, &Asked::new()), Some(&organisation));
        for claims in [id_token(&facts), info] {
            assert_eq!(claims.get("org_id").is_some(), told, "{scopes}");
            assert_eq!(claims.get("org_name").is_some_and(|name| name == "Acme"), told);
        }
    }
}
