use std::collections::BTreeSet;

use askama::Template;
use scraper::{Html, Selector};

use super::*;
use crate::http::pages::admin::client_forms::ClientCreate;
use crate::http::pages::admin::client_terms::{ClientCredentials, ClientTokens};
use crate::http::pages::admin::clients::ClientDetail;
use crate::protocol::client::ClientMetadata;

/// Members that no form of the console has, and why.
const IN_NO_FORM: [(&str, &str); 3] = [
    (
        "logo_uri",
        "the page of an app takes the picture itself, which stands above one that is fetched",
    ),
    ("software_id", "what an app says of itself when it registers; nothing is decided by it"),
    ("software_version", "what an app says of itself when it registers; nothing is decided by it"),
];

/// Fields that are called otherwise than the member that they stand for.
const CALLED_OTHERWISE: [(&str, &str); 7] = [
    ("name", "client_name"),
    ("skip_consent", "consent"),
    ("require_pkce", "pkce"),
    ("claims_in_id_token", "claims_in"),
    ("id_token_alg", "id_token_signed_response_alg"),
    ("auth_method", "token_endpoint_auth_method"),
    ("signing_alg", "token_endpoint_auth_signing_alg"),
];

/// Every member of the type that the REST API takes.
fn members() -> BTreeSet<String> {
    let schema = schemars::schema_for!(ClientMetadata).to_value();
    schema["properties"].as_object().unwrap().keys().cloned().collect()
}

/// The members that the forms of an app have a field for.
fn fields() -> BTreeSet<String> {
    let pages = [
        ClientCreate::sample().render(),
        ClientDetail::sample().render(),
        ClientCredentials::sample().render(),
        ClientTokens::sample().render(),
    ];
    // What names the subject of a certificate is chosen from a list.
    let fields = Selector::parse("#client [name], #client [name=tls_name] option").unwrap();
    let mut names = BTreeSet::new();
    for page in pages {
        let html = Html::parse_document(&page.unwrap());
        for field in html.select(&fields) {
            let name = field.attr("name").or(field.attr("value")).unwrap_or_default();
            let known = CALLED_OTHERWISE.iter().find(|(field, _)| *field == name);
            names.insert(known.map_or(name, |(_, member)| *member).to_owned());
        }
    }
    names
}

#[test]
fn every_member_of_an_apps_metadata_has_a_field_or_a_reason() {
    let (members, fields) = (members(), fields());
    assert!(members.len() > 60, "{members:?}");
    for member in &members {
        let has_reason = IN_NO_FORM.iter().any(|(name, _)| name == member);
        assert_ne!(fields.contains(member), has_reason, "{member}");
    }
    // What is listed here is there, too.
    let listed = IN_NO_FORM.iter().map(|(name, _)| name);
    for member in listed.chain(CALLED_OTHERWISE.iter().map(|(_, member)| member)) {
        assert!(members.contains(*member), "{member}");
    }
}

#[test]
fn a_field_offers_what_there_are_keys_for_and_what_is_chosen_already() {
    let offer = AlgOffer { signing: vec![SigningAlg::Rs256], decryption: Vec::new() };
    let names = |stored: &str, name: &str| {
        let form = AlgsForm::read(|_| stored.to_owned(), String::new());
        let choice = form.choices(&offer).into_iter().find(|choice| choice.field == name);
        choice.unwrap().names
    };
    let (signed, encrypted) = ("userinfo_signed_response_alg", "request_object_encryption_alg");
    assert_eq!(names("", signed), ["RS256"]);
    assert_eq!(names("ES256", signed), ["RS256", "ES256"]);
    assert!(names("", encrypted).is_empty());
    assert_eq!(names("ECDH-ES", encrypted), ["ECDH-ES"]);
    assert_eq!(names("", "request_object_signing_alg").len(), SigningAlg::ALL.len());
    assert_eq!(names("", "id_token_encrypted_response_alg").len(), KeyEncryptionAlg::ALL.len());
    assert_eq!(names("", "id_token_encrypted_response_enc").len(), ContentEncryptionAlg::ALL.len());
}
