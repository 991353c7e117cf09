//! Everything in client metadata that is not a URI: names, words, keys, certificates and the pairs
//! of algorithms.

use std::net::IpAddr;

use serde_json::Value;

use super::{MetadataProblem, Problems};
use crate::protocol::client::distinguished_name::DistinguishedName;
use crate::protocol::client::{AuthMethod, ClientMetadata};
use crate::protocol::jose::jwk_set;
use crate::protocol::plain_text;
use crate::protocol::scope::Scopes;
use crate::protocol::types::{ContentEncryptionAlg, KeyEncryptionAlg};

/// The largest key set by value, in bytes of JSON.
const MOST_KEY_BYTES: usize = 32 * 1024;

pub(super) fn name(metadata: &ClientMetadata, problems: &mut Problems) {
    // Measured as it is stored: spaces around it are taken off where it is read.
    let name = &metadata.client_name;
    if name.trim().is_empty() || name.chars().count() > 100 {
        problems.push(MetadataProblem::new("client_name", "needs 1 to 100 characters"));
    }
    if !name.trim().is_empty() && !plain_text::is_plain_name(name) {
        let text = "contains a control, invisible or text-direction character";
        problems.push(MetadataProblem::new("client_name", text));
    }
}

/// The client's keys (RFC 7591 section 2): in one place only, and public ones only. Whether each is
/// usable is for the cryptography to say.
pub(super) fn keys(metadata: &ClientMetadata, problems: &mut Problems) {
    let method = metadata.token_endpoint_auth_method;
    if method.uses_own_keys() && metadata.jwks.is_none() && metadata.jwks_uri.is_none() {
        let text = format!("{} needs the app's public keys, here or at jwks_uri", method.as_str());
        problems.push(MetadataProblem::new("jwks", text));
    }
    let Some(jwks) = &metadata.jwks else { return };
    if metadata.jwks_uri.is_some() {
        problems.push(MetadataProblem::new("jwks", "must not be sent together with jwks_uri"));
    }
    if jwks.get("keys").and_then(Value::as_array).is_none() {
        let text = "is not a JWK Set: an object with a member keys that is a list";
        problems.push(MetadataProblem::new("jwks", text));
    }
    if jwk_set::has_control_characters(jwks) {
        problems.push(MetadataProblem::new("jwks", "contains a control character"));
    }
    if jwks.to_string().len() > MOST_KEY_BYTES {
        problems.push(MetadataProblem::new("jwks", "is larger than 32 KB; use jwks_uri"));
    }
}

/// The subject of the client's certificate (RFC 8705 section 2.1.2).
pub(super) fn certificate(metadata: &ClientMetadata, problems: &mut Problems) {
    let subjects = [
        ("tls_client_auth_subject_dn", &metadata.tls_client_auth_subject_dn),
        ("tls_client_auth_san_dns", &metadata.tls_client_auth_san_dns),
        ("tls_client_auth_san_uri", &metadata.tls_client_auth_san_uri),
        ("tls_client_auth_san_ip", &metadata.tls_client_auth_san_ip),
        ("tls_client_auth_san_email", &metadata.tls_client_auth_san_email),
    ];
    let given: Vec<_> =
        subjects.iter().filter_map(|(field, text)| Some((*field, text.as_deref()?))).collect();
    if let [_, (second, _), ..] = given.as_slice() {
        let text = "only one member may name the subject of the certificate";
        problems.push(MetadataProblem::new(second, text));
    }
    if given.is_empty() && metadata.token_endpoint_auth_method == AuthMethod::TlsClientAuth {
        let text = "or one of its siblings must name the certificate's subject";
        problems.push(MetadataProblem::new("tls_client_auth_subject_dn", text));
    }
    for (field, text) in given {
        if !is_line(text, 500) {
            problems.push(MetadataProblem::of(field, text, "needs 1 to 500 plain characters"));
        }
    }
    let subject = metadata.tls_client_auth_subject_dn.as_deref();
    if let Some(subject) = subject.filter(|text| DistinguishedName::parse(text).is_none()) {
        let text = "is not a name as RFC 4514 writes it, such as CN=app,O=Example,C=DE (openssl x509 \
                    -noout -subject -nameopt RFC2253 prints it)";
        problems.push(MetadataProblem::of("tls_client_auth_subject_dn", subject, text));
    }
    let address = metadata.tls_client_auth_san_ip.as_deref();
    if let Some(address) = address.filter(|text| text.parse::<IpAddr>().is_err()) {
        let text = "is not an IP address";
        problems.push(MetadataProblem::of("tls_client_auth_san_ip", address, text));
    }
}

/// What the authentication method is checked against must be there (RFC 8705 section 2, RFC 7591
/// section 2).
pub(super) fn authentication(metadata: &ClientMetadata, problems: &mut Problems) {
    let method = metadata.token_endpoint_auth_method;
    if method.uses_own_keys() && metadata.jwks.is_none() && metadata.jwks_uri.is_none() {
        let text =
            format!("{} needs the app's public keys in jwks or at jwks_uri", method.as_str());
        problems.push(MetadataProblem::new("jwks", text));
    }
    let m = metadata;
    let named = m.tls_client_auth_subject_dn.is_some()
        || m.tls_client_auth_san_dns.is_some()
        || m.tls_client_auth_san_uri.is_some()
        || m.tls_client_auth_san_ip.is_some()
        || m.tls_client_auth_san_email.is_some();
    if method == AuthMethod::TlsClientAuth && !named {
        problems.push(MetadataProblem::new(
            "tls_client_auth_subject_dn",
            "tls_client_auth needs one member that names the certificate's subject",
        ));
    }
}

type Encryption = (Option<KeyEncryptionAlg>, Option<ContentEncryptionAlg>);

/// The pairs of encryption algorithms: the second means nothing without the first, and what is
/// encrypted to a client needs a key of the client.
pub(super) fn encryption(metadata: &ClientMetadata, problems: &mut Problems) {
    let m = metadata;
    let to_client: [(&'static str, &'static str, Encryption); 4] = [
        (
            "id_token_encrypted_response_alg",
            "id_token_encrypted_response_enc",
            (m.id_token_encrypted_response_alg, m.id_token_encrypted_response_enc),
        ),
        (
            "userinfo_encrypted_response_alg",
            "userinfo_encrypted_response_enc",
            (m.userinfo_encrypted_response_alg, m.userinfo_encrypted_response_enc),
        ),
        (
            "introspection_encrypted_response_alg",
            "introspection_encrypted_response_enc",
            (m.introspection_encrypted_response_alg, m.introspection_encrypted_response_enc),
        ),
        (
            "authorization_encrypted_response_alg",
            "authorization_encrypted_response_enc",
            (m.authorization_encrypted_response_alg, m.authorization_encrypted_response_enc),
        ),
    ];
    let without_keys = m.jwks.is_none() && m.jwks_uri.is_none();
    let mut lonely = Vec::new();
    for (alg_field, enc_field, (alg, enc)) in to_client {
        if alg.is_some() && without_keys {
            problems.push(MetadataProblem::new(
                alg_field,
                "needs a key to encrypt to, in jwks or at jwks_uri",
            ));
        }
        if alg.is_none() && enc.is_some() {
            lonely.push(enc_field);
        }
    }
    if m.request_object_encryption_alg.is_none() && m.request_object_encryption_enc.is_some() {
        lonely.push("request_object_encryption_enc");
    }
    let text = "means nothing without the member of the same name that ends in alg";
    problems.extend(lonely.into_iter().map(|field| MetadataProblem::new(field, text)));
}

/// Lists of words, and texts that are shown or kept.
pub(super) fn words(metadata: &ClientMetadata, problems: &mut Problems) {
    let lists = [
        ("contacts", &metadata.contacts, 20, 254),
        ("audience", &metadata.audience, 50, 500),
        ("default_acr_values", &metadata.default_acr_values, 20, 255),
        ("authorization_details_types", &metadata.authorization_details_types, 50, 255),
    ];
    for (field, list, most, longest) in lists {
        if list.len() > most {
            problems.push(MetadataProblem::new(field, format!("has more than {most} entries")));
        }
        for text in list.iter().filter(|text| !is_line(text, longest)) {
            let problem = format!("needs 1 to {longest} plain characters");
            problems.push(MetadataProblem::of(field, text, problem));
        }
    }
    let spaced = metadata.default_acr_values.iter().filter(|acr| acr.contains(' '));
    for acr in spaced {
        let problem = "must not contain spaces";
        problems.push(MetadataProblem::of("default_acr_values", acr, problem));
    }
    let texts =
        [("software_id", &metadata.software_id), ("software_version", &metadata.software_version)];
    for (field, text) in texts {
        if let Some(text) = text.as_deref().filter(|text| !is_line(text, 255)) {
            problems.push(MetadataProblem::of(field, text, "needs 1 to 255 plain characters"));
        }
    }
}

/// One line that is neither empty nor disguised.
fn is_line(text: &str, longest: usize) -> bool {
    !text.trim().is_empty() && text.chars().count() <= longest && !plain_text::is_disguised(text)
}

pub(super) fn scope(metadata: &ClientMetadata, problems: &mut Problems) {
    let scope = metadata.scope.to_string();
    if scope.len() > 2000 {
        problems.push(MetadataProblem::new("scope", "is longer than 2,000 characters"));
    }
    let well_formed = Scopes::parse(&scope).is_some_and(|parsed| parsed == metadata.scope);
    if !well_formed {
        let text = "has an empty or repeated value, a character that is not allowed, or more than 256 values";
        problems.push(MetadataProblem::new("scope", text));
    }
}
