//! Clients that show a TLS certificate (RFC 8705): `tls_client_auth` and
//! `self_signed_tls_client_auth`, with TLS ended by Doorward or by a proxy.

use data_encoding::BASE64;
use reqwest::Client;
use serde_json::{Value, json};

use crate::kit::client_signer::{refusal, register};
use crate::kit::fixtures::unique;
use crate::kit::flow::count;
use crate::kit::mtls::{client, header_world, mtls_world, two_listeners};
use crate::support::authority::{Authority, Identity, Name};
use crate::support::tls_peer::{Answer, TlsPeer};
use crate::support::world::World;

/// A service that authenticates by a certificate of the authority.
fn vouched(world: &World, name: &Value) -> String {
    let mut metadata = json!({ "token_endpoint_auth_method": "tls_client_auth" });
    metadata.as_object_mut().unwrap().extend(name.as_object().unwrap().clone());
    let id = unique("vouched");
    register(world, &id, "machine", &metadata);
    id
}

/// A service that authenticates by one of its own certificates.
fn own(world: &World, keys: &Value) -> String {
    let mut metadata = json!({ "token_endpoint_auth_method": "self_signed_tls_client_auth" });
    metadata.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
    let id = unique("own");
    register(world, &id, "machine", &metadata);
    id
}

/// A token request that names this client; the status and the document.
async fn ask(http: &Client, base: &str, id: &str) -> (u16, Value) {
    let fields = [("grant_type", "client_credentials"), ("client_id", id)];
    let request = http.post(format!("{base}/oauth2/token")).form(&fields);
    let answer = request.send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

async fn assert_accepted(world: &World, identity: &Identity, id: &str) -> String {
    let (status, body) = ask(&client(Some(identity)), &world.issuer, id).await;
    assert_eq!(status, 200, "{body}");
    body["access_token"].as_str().expect("a token").to_owned()
}

async fn assert_refused(world: &World, identity: Option<&Identity>, id: &str, what: &str) {
    let (status, body) = ask(&client(identity), &world.issuer, id).await;
    assert_eq!((status, body["error"].as_str()), (401, Some("invalid_client")), "{what}: {body}");
}

const APP: [Name<'static>; 6] = [
    Name::Country("DE"),
    Name::Organization("Example, Ltd"),
    Name::Common("app"),
    Name::Dns("app.example"),
    Name::Uri("spiffe://example/app"),
    Name::Address("192.0.2.7"),
];

on_both_backends! {
    async fn a_certificate_of_the_authority_for_the_registered_name_is_accepted(backend: Backend) {
        let world = mtls_world(backend).await;
        let authority = Authority::shared();
        let identity = authority.issue(&[&APP[..], &[Name::Email("app@example.com")]].concat());
        let other = authority.issue(&[
            Name::Common("other"), Name::Dns("other.example"), Name::Uri("spiffe://example/other"),
            Name::Address("192.0.2.8"), Name::Email("other@example.com"),
        ]);
        let foreign = Authority::new().issue(&APP);
        let self_made = Identity::self_signed(&APP);
        for name in [
            json!({ "tls_client_auth_subject_dn": r"CN=app,O=Example\, Ltd,C=DE" }),
            json!({ "tls_client_auth_san_dns": "app.example" }),
            json!({ "tls_client_auth_san_uri": "spiffe://example/app" }),
            json!({ "tls_client_auth_san_ip": "192.0.2.7" }),
            json!({ "tls_client_auth_san_email": "app@example.com" }),
        ] {
            let id = vouched(&world, &name);
            assert_accepted(&world, &identity, &id).await;
            assert_refused(&world, Some(&other), &id, "the certificate of another app").await;
        }
        let id = vouched(&world, &json!({ "tls_client_auth_san_dns": "app.example" }));
        for (what, wrong) in [
            ("another authority", Some(&foreign)), ("nobody's signature", Some(&self_made)),
            ("none", None),
        ] {
            assert_refused(&world, wrong, &id, what).await;
        }
        world.assert_log_is_clean(&[]);
    }

    async fn a_certificate_of_the_client_s_own_is_accepted_by_key_and_by_value(backend: Backend) {
        let world = mtls_world(backend).await;
        let identity = Identity::self_signed(&APP);
        let stranger = Identity::self_signed(&APP);
        let by_key = json!({ "jwks": { "keys": [identity.jwk] } });
        let mut with_certificate = identity.jwk.clone();
        with_certificate["x5c"] = json!([BASE64.encode(&identity.certificate)]);
        for keys in [by_key.clone(), json!({ "jwks": { "keys": [with_certificate] } })] {
            let id = own(&world, &keys);
            assert_accepted(&world, &identity, &id).await;
            assert_refused(&world, Some(&stranger), &id, "another certificate").await;
            assert_refused(&world, None, &id, "none").await;
        }
        let id = own(&world, &by_key);
        assert_refused(&world, Some(&identity.expired(&APP)), &id, "expired").await;
        let vouched = Authority::shared().issue(&APP);
        assert_refused(&world, Some(&vouched), &id, "vouched for and not the client's").await;
        // At an address of its own, replaced like any key.
        let (peer, path) = (TlsPeer::shared(), format!("/{}", unique("certificates")));
        peer.serve(&path, Answer::json(&by_key["jwks"]));
        let id = own(&world, &json!({ "jwks_uri": peer.url(&path) }));
        assert_accepted(&world, &identity, &id).await;
        peer.serve(&path, Answer::json(&json!({ "keys": [stranger.jwk] })));
        tokio::time::sleep(std::time::Duration::from_millis(2100)).await;
        assert_accepted(&world, &stranger, &id).await;
        assert_refused(&world, Some(&identity), &id, "replaced").await;
        world.assert_log_is_clean(&[]);
    }

    async fn a_certificate_counts_at_every_endpoint_and_for_its_client_alone(backend: Backend) {
        let world = mtls_world(backend).await;
        let identity = Authority::shared().issue(&APP);
        let id = vouched(&world, &json!({ "tls_client_auth_san_dns": "app.example" }));
        let token = assert_accepted(&world, &identity, &id).await;
        let http = client(Some(&identity));
        let post = async |http: &Client, path: &str, id: &str| {
            let fields = [("token", token.as_str()), ("client_id", id)];
            let answer = http.post(world.url(path)).form(&fields).send().await.unwrap();
            (answer.status().as_u16(), answer.text().await.unwrap())
        };
        let other = vouched(&world, &json!({ "tls_client_auth_san_dns": "other.example" }));
        for path in ["/oauth2/introspect", "/oauth2/revoke"] {
            for (http, id) in [(&client(None), &id), (&http, &other)] {
                let (status, body) = post(http, path, id).await;
                assert!(status == 401 && body.contains("invalid_client"), "{path}: {body}");
            }
        }
        let (status, body) = post(&http, "/oauth2/introspect", &id).await;
        assert!(status == 200 && body.contains("\"active\":true"), "{body}");
        assert_eq!(post(&http, "/oauth2/revoke", &id).await.0, 200);
        let (_, body) = post(&http, "/oauth2/introspect", &id).await;
        assert_eq!(body, r#"{"active":false}"#);
        // A certificate is no secret, and a client with a certificate has none.
        let registered = json!({ "token_endpoint_auth_method": "client_secret_basic" });
        register(&world, "with-secret", "machine", &registered);
        assert_refused(&world, Some(&identity), "with-secret", "a client with a secret").await;
        let fields = [("grant_type", "client_credentials"), ("client_id", &id), ("client_secret", "x")];
        let answer = http.post(world.url("/oauth2/token")).form(&fields).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 401);
    }

    async fn strangers_certificates_are_written_down_and_slowed_down(backend: Backend) {
        let world = mtls_world(backend).await;
        let (identity, stranger) = (Identity::self_signed(&APP), Identity::self_signed(&APP));
        let id = own(&world, &json!({ "jwks": { "keys": [identity.jwk] } }));
        let failures = format!("select count(*) from audit_events \
            where kind = 'client.authentication_failed' and client_id = '{id}'");
        assert_refused(&world, None, &id, "none").await;
        assert_eq!(count(&world, &failures).await, 0, "nobody has tried anything");
        let http = client(Some(&stranger));
        let mut slowed_down = false;
        for _ in 0..60 {
            let (status, body) = ask(&http, &world.issuer, &id).await;
            assert_eq!((status, body["error"].as_str()), (401, Some("invalid_client")), "{body}");
            let description = body["error_description"].as_str().unwrap_or_default();
            slowed_down |= description.starts_with("Too many failed attempts");
        }
        assert!(slowed_down);
        assert_eq!(count(&world, &failures).await, 10);
    }

    async fn a_trusted_proxy_passes_certificates_on_in_each_of_the_usual_ways(backend: Backend) {
        let world = header_world(backend, "127.0.0.1").await;
        let identity = Authority::shared().issue(&APP);
        let id = vouched(&world, &json!({ "tls_client_auth_san_dns": "app.example" }));
        let der = BASE64.encode(&identity.certificate);
        let escaped: String = url::form_urlencoded::byte_serialize(identity.certificate_pem.as_bytes())
            .collect::<String>()
            .replace('+', "%20");
        let ask = async |values: &[&str]| {
            let fields = [("grant_type", "client_credentials"), ("client_id", id.as_str())];
            let mut request = client(None).post(world.url("/oauth2/token")).form(&fields);
            for value in values {
                request = request.header("Client-Cert", *value);
            }
            request.send().await.unwrap().status().as_u16()
        };
        for good in [&format!(":{der}:"), &escaped, &der] {
            assert_eq!(ask(&[good]).await, 200, "{good}");
        }
        let foreign = BASE64.encode(&Authority::new().issue(&APP).certificate);
        let own = format!(":{der}:");
        for bad in [
            vec![], vec![""], vec!["junk"], vec![":"], vec![":AAAA:"], vec![foreign.as_str()],
            vec![&der[8..]], vec![own.as_str(), own.as_str()], vec!["", own.as_str()],
        ] {
            assert_eq!(ask(&bad).await, 401, "{bad:?}");
        }
        world.assert_log_is_clean(&[]);
    }

    async fn a_certificate_in_the_header_of_anybody_else_is_ignored(backend: Backend) {
        let world = header_world(backend, "192.0.2.1").await;
        let identity = Authority::shared().issue(&APP);
        let vouched = vouched(&world, &json!({ "tls_client_auth_san_dns": "app.example" }));
        let own = own(&world, &json!({ "jwks": { "keys": [identity.jwk] } }));
        for id in [vouched, own] {
            let fields = [("grant_type", "client_credentials"), ("client_id", id.as_str())];
            let header = format!(":{}:", BASE64.encode(&identity.certificate));
            let request = client(None).post(world.url("/oauth2/token")).form(&fields);
            let request = request.header("Client-Cert", header);
            let request = request.header("X-Forwarded-For", "192.0.2.1");
            assert_eq!(request.send().await.unwrap().status().as_u16(), 401);
        }
    }

    async fn the_header_of_a_stranger_does_not_replace_the_certificate_of_the_connection(
        backend: Backend
    ) {
        let world = mtls_world(backend).await;
        let (good, bad) = (Authority::shared().issue(&APP), Authority::shared().issue(&[Name::Dns("x")]));
        let id = vouched(&world, &json!({ "tls_client_auth_san_dns": "app.example" }));
        let fields = [("grant_type", "client_credentials"), ("client_id", id.as_str())];
        let header = format!(":{}:", BASE64.encode(&good.certificate));
        let request = client(Some(&bad)).post(world.url("/oauth2/token")).form(&fields);
        let answer = request.header("Client-Cert", header).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 401);
    }

    async fn a_second_listener_asks_for_certificates_and_the_first_does_not(backend: Backend) {
        let (world, port) = two_listeners(backend).await;
        let mtls = format!("https://localhost:{port}");
        let identity = Authority::shared().issue(&APP);
        let id = vouched(&world, &json!({ "tls_client_auth_san_dns": "app.example" }));
        let http = client(Some(&identity));
        assert_eq!(ask(&http, &mtls, &id).await.0, 200);
        assert_eq!(ask(&http, &world.issuer, &id).await.0, 401, "the main listener asks nobody");
        assert_eq!(ask(&client(None), &mtls, &id).await.0, 401);
        let document = http.get(world.url("/.well-known/openid-configuration"));
        let document: Value = document.send().await.unwrap().json().await.unwrap();
        let aliases = &document["mtls_endpoint_aliases"];
        assert_eq!(aliases["token_endpoint"], format!("{mtls}/oauth2/token"));
        assert_eq!(aliases["introspection_endpoint"], format!("{mtls}/oauth2/introspect"));
        assert!(aliases.get("authorization_endpoint").is_none());
        for name in ["token", "introspection", "revocation"] {
            let methods = document[format!("{name}_endpoint_auth_methods_supported")].to_string();
            assert!(methods.contains("\"tls_client_auth\""), "{methods}");
            assert!(methods.contains("\"self_signed_tls_client_auth\""), "{methods}");
            assert!(methods.contains("\"private_key_jwt\""), "{methods}");
        }
        assert_eq!(document["issuer"], world.issuer);
    }
}

#[tokio::test]
async fn without_certificates_nothing_of_them_is_offered_or_registered() {
    let world = World::start(crate::support::backends::Backend::Embedded).await;
    let document = world.browser().get("/.well-known/openid-configuration").await.json();
    let methods = document["token_endpoint_auth_methods_supported"].to_string();
    assert!(!methods.contains("tls_client_auth"), "{methods}");
    assert!(document.get("mtls_endpoint_aliases").is_none());
    let algorithms = &document["token_endpoint_auth_signing_alg_values_supported"];
    assert!(algorithms.as_array().is_some_and(|all| all.contains(&json!("PS256"))), "{algorithms}");
    let metadata = json!({
        "token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_san_dns": "app.example",
    });
    let told = refusal(&world, &metadata);
    assert!(told.contains("server.client_certificate_header"), "{told}");
    for (name, value, words) in [
        ("tls_client_auth_subject_dn", "C=DE;CN=app", "RFC 4514"),
        ("tls_client_auth_san_ip", "app.example", "is not an IP address"),
    ] {
        let metadata = json!({ "token_endpoint_auth_method": "tls_client_auth", name: value });
        let told = refusal(&world, &metadata);
        assert!(told.contains(words), "{told}");
    }
}
