//! A user of a realm as a person. Apps go on knowing them by the same `sub`.

use data_encoding::{BASE64, BASE64_NOPAD};

use super::realm::{Credential, CredentialData, KeycloakUser, SecretData};
use crate::protocol::user::Profile;
use crate::service::people::import::record::Record;

/// The person, or why there is none.
pub(super) fn record(user: KeycloakUser) -> Result<Record, String> {
    let password = user.credentials.iter().find(|credential| credential.kind == "password");
    let password_hash = password.map(hash).transpose()?;
    let [given, family] = [&user.first_name, &user.last_name].map(|name| filled(name.as_deref()));
    let name = given.into_iter().chain(family).collect::<Vec<_>>().join(" ");
    let attribute = |name: &str| {
        filled(user.attributes.get(name).and_then(|values| values.first()).map(String::as_str))
            .map(str::to_owned)
    };
    let profile = Profile {
        given_name: given.map(str::to_owned),
        family_name: family.map(str::to_owned),
        locale: attribute("locale"),
        zoneinfo: attribute("zoneinfo"),
        picture: attribute("picture"),
        phone_number: attribute("phoneNumber"),
        ..Profile::default()
    };
    let groups = user.groups.iter().map(|path| path.trim_start_matches('/').to_owned());
    Ok(Record {
        groups: Some(groups.collect()),
        id: user.id,
        username: user.username,
        email_verified: Some(user.email_verified),
        email: user.email,
        name: filled(Some(&name)).map(str::to_owned),
        profile,
        disabled: Some(user.enabled == Some(false)),
        password_hash,
    })
}

fn filled(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

/// The password hash in the form that is kept here.
fn hash(credential: &Credential) -> Result<String, String> {
    let unreadable = || "the password hash cannot be read".to_owned();
    let (data, secret) = match (&credential.credential_data, &credential.secret_data) {
        (Some(data), Some(secret)) => (
            serde_json::from_str::<CredentialData>(data).map_err(|_| unreadable())?,
            serde_json::from_str::<SecretData>(secret).map_err(|_| unreadable())?,
        ),
        _ if credential.value.is_some() => {
            return Err(
                "the password is not hashed: set it by doorward user set-password".to_owned()
            );
        }
        _ => (
            CredentialData {
                hash_iterations: credential.hash_iterations.unwrap_or_default(),
                algorithm: credential.algorithm.clone().unwrap_or_default(),
                ..CredentialData::default()
            },
            SecretData {
                value: credential.hashed_salted_value.clone().unwrap_or_default(),
                salt: credential.salt.clone().unwrap_or_default(),
            },
        ),
    };
    let [salt, value] = [&secret.salt, &secret.value]
        .map(|text| BASE64.decode(text.as_bytes()).map(|bytes| BASE64_NOPAD.encode(&bytes)));
    let (salt, value) = (salt.map_err(|_| unreadable())?, value.map_err(|_| unreadable())?);
    let iterations = data.hash_iterations;
    match data.algorithm.as_str() {
        "pbkdf2" => Ok(format!("$pbkdf2-sha1$i={iterations}${salt}${value}")),
        "pbkdf2-sha256" | "pbkdf2-sha512" => {
            Ok(format!("${}$i={iterations}${salt}${value}", data.algorithm))
        }
        "argon2" => {
            let parameter = |name: &str, usual: &str| {
                let given = data.additional_parameters.get(name).and_then(|values| values.first());
                given.map_or_else(|| usual.to_owned(), ToOwned::to_owned)
            };
            let version = match parameter("version", "1.3").as_str() {
                "1.3" => 19,
                "1.0" => 16,
                other => return Err(format!("there is no version {other} of argon2")),
            };
            let kind = parameter("type", "id");
            let (memory, lanes) = (parameter("memory", "7168"), parameter("parallelism", "1"));
            Ok(format!(
                "$argon2{kind}$v={version}$m={memory},t={iterations},p={lanes}${salt}${value}"
            ))
        }
        other => Err(format!("password hashes of the kind {other:?} cannot be kept")),
    }
}
