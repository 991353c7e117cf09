//! Parts of the forms of an app ([`super::app_forms`], [`super::app_terms`]): what people find of it, how it
//! hears of sign-outs, what its sign-ins are like, and with what is signed and encrypted. Each part is made
//! from the metadata, read from what was typed, and put over the metadata; the rules are the service's.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::desk::Desk;
use super::people::sentence;
use crate::http::pages::FieldError;
use crate::http::pages::admin::client_parts::{
    AlgOffer, AlgsForm, LinksForm, LogoutForm, SignInForm,
};
use crate::protocol::client::ClientMetadata;
use crate::protocol::client::validation::MetadataProblem;
use crate::protocol::members;

/// What was typed into a field that may be empty.
pub(super) fn given(text: &str) -> Option<String> {
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// What was typed into a field with one entry a line.
pub(super) fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// One of the names a list of the form has.
pub(super) fn named<T: DeserializeOwned>(name: &str) -> Option<T> {
    serde_json::from_value(Value::String(name.to_owned())).ok()
}

/// Where something is wrong, in the words of the page.
pub(super) type Label = (&'static str, &'static str);

/// A problem at the field of this name if that is among those of the form, and otherwise at another one, where
/// the member is named.
pub(super) fn at_field(
    problem: &MetadataProblem,
    (name, labels): (&str, &[Label]),
    elsewhere: &'static str,
) -> FieldError {
    let text = problem.text();
    match labels.iter().find(|(field, _)| *field == name) {
        Some(&(field, label)) => FieldError { field, text: format!("{label}: {text}.") },
        None => {
            FieldError { field: elsewhere, text: sentence(&format!("{} {text}", problem.field)) }
        }
    }
}

pub(super) fn links_of(metadata: &ClientMetadata) -> LinksForm {
    LinksForm {
        policy_uri: metadata.policy_uri.clone().unwrap_or_default(),
        tos_uri: metadata.tos_uri.clone().unwrap_or_default(),
        contacts: metadata.contacts.join("\n"),
    }
}

pub(super) fn typed_links(desk: &Desk<'_>) -> LinksForm {
    LinksForm {
        policy_uri: desk.text("policy_uri"),
        tos_uri: desk.text("tos_uri"),
        contacts: desk.text("contacts"),
    }
}

pub(super) fn with_links(form: &LinksForm, before: ClientMetadata) -> ClientMetadata {
    ClientMetadata {
        policy_uri: given(&form.policy_uri),
        tos_uri: given(&form.tos_uri),
        contacts: lines(&form.contacts),
        ..before
    }
}

pub(super) fn logout_of(metadata: &ClientMetadata) -> LogoutForm {
    LogoutForm {
        post_logout_redirect_uris: metadata.post_logout_redirect_uris.join("\n"),
        backchannel_logout_uri: metadata.backchannel_logout_uri.clone().unwrap_or_default(),
        backchannel_logout_session_required: metadata.backchannel_logout_session_required,
        frontchannel_logout_uri: metadata.frontchannel_logout_uri.clone().unwrap_or_default(),
        frontchannel_logout_session_required: metadata.frontchannel_logout_session_required,
    }
}

pub(super) fn typed_logout(desk: &Desk<'_>) -> LogoutForm {
    let is_ticked = |name| desk.form.has(name);
    LogoutForm {
        post_logout_redirect_uris: desk.text("post_logout_redirect_uris"),
        backchannel_logout_uri: desk.text("backchannel_logout_uri"),
        backchannel_logout_session_required: is_ticked("backchannel_logout_session_required"),
        frontchannel_logout_uri: desk.text("frontchannel_logout_uri"),
        frontchannel_logout_session_required: is_ticked("frontchannel_logout_session_required"),
    }
}

pub(super) fn with_logout(form: &LogoutForm, before: ClientMetadata) -> ClientMetadata {
    ClientMetadata {
        post_logout_redirect_uris: lines(&form.post_logout_redirect_uris),
        backchannel_logout_uri: given(&form.backchannel_logout_uri),
        backchannel_logout_session_required: form.backchannel_logout_session_required,
        frontchannel_logout_uri: given(&form.frontchannel_logout_uri),
        frontchannel_logout_session_required: form.frontchannel_logout_session_required,
        ..before
    }
}

pub(super) fn sign_in_of(metadata: &ClientMetadata) -> SignInForm {
    SignInForm {
        default_acr_values: metadata.default_acr_values.join("\n"),
        require_auth_time: metadata.require_auth_time,
        authorization_details_types: metadata.authorization_details_types.join("\n"),
    }
}

pub(super) fn typed_sign_in(desk: &Desk<'_>) -> SignInForm {
    SignInForm {
        default_acr_values: desk.text("default_acr_values"),
        require_auth_time: desk.form.has("require_auth_time"),
        authorization_details_types: desk.text("authorization_details_types"),
    }
}

pub(super) fn with_sign_in(form: &SignInForm, before: ClientMetadata) -> ClientMetadata {
    ClientMetadata {
        default_acr_values: lines(&form.default_acr_values),
        require_auth_time: form.require_auth_time,
        authorization_details_types: lines(&form.authorization_details_types),
        ..before
    }
}

/// For what there are keys here.
pub(super) fn offer(desk: &Desk<'_>) -> AlgOffer {
    let keys = &desk.site().config.keys;
    AlgOffer { signing: keys.algorithms.clone(), decryption: keys.encryption_algorithms.clone() }
}

pub(super) fn algs_of(metadata: &ClientMetadata) -> AlgsForm {
    let stored = members::of(metadata);
    let value = |name: &'static str| {
        stored.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    AlgsForm::read(value, metadata.request_uris.join("\n"))
}

pub(super) fn typed_algs(desk: &Desk<'_>) -> AlgsForm {
    AlgsForm::read(|name| desk.text(name), desk.text("request_uris"))
}

pub(super) fn with_algs(
    form: &AlgsForm,
    before: ClientMetadata,
) -> Result<ClientMetadata, Vec<FieldError>> {
    let mut bad = Vec::new();
    let metadata = ClientMetadata {
        id_token_encrypted_response_alg: alg(form, "id_token_encrypted_response_alg", &mut bad),
        id_token_encrypted_response_enc: alg(form, "id_token_encrypted_response_enc", &mut bad),
        userinfo_signed_response_alg: alg(form, "userinfo_signed_response_alg", &mut bad),
        userinfo_encrypted_response_alg: alg(form, "userinfo_encrypted_response_alg", &mut bad),
        userinfo_encrypted_response_enc: alg(form, "userinfo_encrypted_response_enc", &mut bad),
        introspection_signed_response_alg: alg(form, "introspection_signed_response_alg", &mut bad),
        introspection_encrypted_response_alg: alg(
            form,
            "introspection_encrypted_response_alg",
            &mut bad,
        ),
        introspection_encrypted_response_enc: alg(
            form,
            "introspection_encrypted_response_enc",
            &mut bad,
        ),
        authorization_signed_response_alg: alg(form, "authorization_signed_response_alg", &mut bad),
        authorization_encrypted_response_alg: alg(
            form,
            "authorization_encrypted_response_alg",
            &mut bad,
        ),
        authorization_encrypted_response_enc: alg(
            form,
            "authorization_encrypted_response_enc",
            &mut bad,
        ),
        request_object_signing_alg: alg(form, "request_object_signing_alg", &mut bad),
        request_object_encryption_alg: alg(form, "request_object_encryption_alg", &mut bad),
        request_object_encryption_enc: alg(form, "request_object_encryption_enc", &mut bad),
        request_uris: lines(&form.request_uris),
        ..before
    };
    if bad.is_empty() { Ok(metadata) } else { Err(bad) }
}

/// What is chosen in one of the lists; `None` for nothing, and for what is in no list, which is noted.
fn alg<T: DeserializeOwned>(
    form: &AlgsForm,
    field: &'static str,
    bad: &mut Vec<FieldError>,
) -> Option<T> {
    let name = form.chosen(field);
    let alg = named(name);
    if alg.is_none() && !name.is_empty() {
        let text = "Choose one of the algorithms in the list.".to_owned();
        bad.push(FieldError { field, text });
    }
    alg
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::types::{ContentEncryptionAlg, KeyEncryptionAlg, SigningAlg};

    /// A form in which something is chosen everywhere.
    fn full() -> AlgsForm {
        let value = |name: &'static str| {
            if name.ends_with("_enc") {
                ContentEncryptionAlg::A256Gcm.as_str().to_owned()
            } else if name.contains("encrypt") {
                KeyEncryptionAlg::EcdhEs.as_str().to_owned()
            } else {
                SigningAlg::Es256.as_str().to_owned()
            }
        };
        AlgsForm::read(value, "https://rp.test/a\nhttps://rp.test/b".to_owned())
    }

    #[test]
    fn every_algorithm_that_is_chosen_is_put_over_the_metadata_and_shown_again() {
        let form = full();
        let metadata = with_algs(&form, ClientMetadata::default()).unwrap();
        let shown = algs_of(&metadata);
        for field in AlgsForm::FIELDS {
            assert!(!shown.chosen(field.name).is_empty(), "{}", field.name);
            assert_eq!(shown.chosen(field.name), form.chosen(field.name), "{}", field.name);
        }
        assert_eq!(shown.request_uris, form.request_uris);
        let empty = AlgsForm::read(|_| String::new(), String::new());
        assert_eq!(with_algs(&empty, metadata).unwrap(), ClientMetadata::default());
    }

    #[test]
    fn what_is_in_no_list_is_an_error_at_its_field() {
        let form = AlgsForm::read(|_| "none".to_owned(), String::new());
        let errors = with_algs(&form, ClientMetadata::default()).unwrap_err();
        let fields: Vec<_> = errors.iter().map(|error| error.field).collect();
        assert_eq!(fields, AlgsForm::FIELDS.map(|field| field.name));
    }

    #[test]
    fn the_other_parts_are_put_over_the_metadata_and_shown_again() {
        let links = LinksForm {
            policy_uri: "https://rp.test/privacy".into(),
            tos_uri: "https://rp.test/terms".into(),
            contacts: "a@rp.test\nb@rp.test".into(),
        };
        let logout = LogoutForm {
            post_logout_redirect_uris: "https://rp.test/".into(),
            backchannel_logout_uri: "https://rp.test/back".into(),
            backchannel_logout_session_required: true,
            frontchannel_logout_uri: "https://rp.test/front".into(),
            frontchannel_logout_session_required: true,
        };
        let sign_in = SignInForm {
            default_acr_values: "aal1".into(),
            require_auth_time: true,
            authorization_details_types: "payment".into(),
        };
        let metadata = with_links(&links, ClientMetadata::default());
        let metadata = with_sign_in(&sign_in, with_logout(&logout, metadata));
        assert_eq!(format!("{:?}", links_of(&metadata)), format!("{links:?}"));
        assert_eq!(format!("{:?}", logout_of(&metadata)), format!("{logout:?}"));
        assert_eq!(format!("{:?}", sign_in_of(&metadata)), format!("{sign_in:?}"));
        assert_eq!(metadata.differs_in(&ClientMetadata::default()).len(), 11);
    }
}
