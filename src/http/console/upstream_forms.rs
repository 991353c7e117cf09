//! The forms of `/admin/upstream`: what they show, what was typed into them, and where on them a problem
//! is told.

use super::desk::{Desk, Stop};
use super::people::sentence;
use super::upstream::stop;
use crate::crypto::secret::Secret;
use crate::http::pages::FieldError;
use crate::http::pages::admin::upstream::UpstreamForm;
use crate::protocol::scope::Scopes;
use crate::protocol::upstream::{ClaimNames, UpstreamAuth};
use crate::service::upstream::{
    UpstreamError, UpstreamProblem, UpstreamProvider, UpstreamSettings,
};

/// What the form can mend of an error.
pub(super) fn mendable(error: UpstreamError) -> Result<Vec<FieldError>, Stop> {
    match error {
        UpstreamError::Invalid(problems) => Ok(problems.iter().map(field_error).collect()),
        UpstreamError::Taken => {
            let text = "There is a provider with this slug already. Choose another one.".to_owned();
            Ok(vec![FieldError { field: "slug", text }])
        }
        other => Err(stop(other)),
    }
}

/// Where on the form a problem is shown.
fn field_error(problem: &UpstreamProblem) -> FieldError {
    let UpstreamProblem { field, problem } = problem;
    let (field, what) = match *field {
        field @ "slug" => (field, "The slug"),
        field @ "display_name" => (field, "The name"),
        field @ "issuer" => (field, "The issuer"),
        field @ "client_id" => (field, "The client id"),
        field @ "client_secret" => (field, "The secret"),
        "claims.username" => ("username_claim", "The claim for the username"),
        "claims.name" => ("name_claim", "The claim for the name"),
        "claims.email" => ("email_claim", "The claim for the e-mail address"),
        "claims.groups" => ("groups_claim", "The claim for groups"),
        _ => ("scope", "The list of scopes"),
    };
    FieldError { field, text: sentence(&format!("{what} {problem}")) }
}

/// What pastes bring along at its ends is none of it.
pub(super) fn typed_secret(desk: &Desk<'_>) -> Secret {
    Secret::from_text(desk.text("client_secret").trim().to_owned())
}

/// What the form shows of a provider.
pub(super) fn stored(provider: &UpstreamProvider) -> UpstreamForm {
    UpstreamForm {
        slug: provider.slug.clone(),
        issuer: provider.issuer.clone(),
        display_name: provider.display_name.clone(),
        client_id: provider.client_id.clone(),
        ..of_settings(&provider.settings)
    }
}

pub(super) fn of_settings(settings: &UpstreamSettings) -> UpstreamForm {
    let names = settings.claims.clone();
    UpstreamForm {
        auth_method: settings.token_endpoint_auth_method.as_str().to_owned(),
        scope: settings.scope.to_string(),
        username_claim: names.username,
        name_claim: names.name,
        email_claim: names.email,
        groups_claim: names.groups.unwrap_or_default(),
        trusts_email: settings.trusts_email,
        ..UpstreamForm::default()
    }
}

pub(super) fn read_form(desk: &Desk<'_>) -> UpstreamForm {
    let text = |name| desk.text(name).trim().to_owned();
    UpstreamForm {
        slug: text("slug"),
        issuer: text("issuer"),
        display_name: text("display_name"),
        client_id: text("client_id"),
        auth_method: text("auth_method"),
        scope: text("scope"),
        username_claim: text("username_claim"),
        name_claim: text("name_claim"),
        email_claim: text("email_claim"),
        groups_claim: text("groups_claim"),
        trusts_email: desk.form.has("trusts_email"),
    }
}

/// What was typed, or what cannot be read of it.
pub(super) fn typed(form: &UpstreamForm) -> Result<UpstreamSettings, Vec<FieldError>> {
    let method = UpstreamAuth::from_name(&form.auth_method);
    let scope = Scopes::parse(&form.scope);
    let mut errors = Vec::new();
    if method.is_none() {
        let text = "Choose how the secret is sent.".to_owned();
        errors.push(FieldError { field: "auth_method", text });
    }
    if scope.is_none() {
        let text = "Write scopes without quotes, backslashes and accents.".to_owned();
        errors.push(FieldError { field: "scope", text });
    }
    let (Some(token_endpoint_auth_method), Some(scope)) = (method, scope) else {
        return Err(errors);
    };
    Ok(UpstreamSettings {
        token_endpoint_auth_method,
        scope,
        claims: ClaimNames {
            username: form.username_claim.clone(),
            name: form.name_claim.clone(),
            email: form.email_claim.clone(),
            groups: Some(form.groups_claim.clone()).filter(|claim| !claim.is_empty()),
        },
        trusts_email: form.trusts_email,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_comes_back_from_what_is_stored() {
        let settings = UpstreamSettings {
            token_endpoint_auth_method: UpstreamAuth::ClientSecretPost,
            claims: ClaimNames { groups: Some("roles".to_owned()), ..ClaimNames::default() },
            trusts_email: true,
            ..UpstreamSettings::default()
        };
        assert_eq!(typed(&of_settings(&settings)).unwrap(), settings);
    }

    #[test]
    fn everything_that_cannot_be_read_is_said_at_once() {
        let bad = UpstreamForm { scope: "\"".to_owned(), ..UpstreamForm::default() };
        let fields: Vec<_> = typed(&bad).unwrap_err().iter().map(|error| error.field).collect();
        assert_eq!(fields, ["auth_method", "scope"]);
    }
}
