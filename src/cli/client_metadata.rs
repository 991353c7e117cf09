//! What `doorward client create` and `client update` are told of an app, by flags and by a file.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Map, Value};

use super::exit::Failure;
use super::values::{
    MappingGiven, access_token_format, auth_method, claim_mapping, grant_type, revocation,
    signing_alg,
};
use crate::protocol::client::{
    AccessTokenFormat, AuthMethod, ClientMetadata, ConsentPolicy, GrantType, RevocationChoice,
};
use crate::protocol::scope::Scopes;
use crate::protocol::types::SigningAlg;

/// What metadata said instead of `revocation` before that existed; still read, and still shown to
/// programs that look for it.
pub(super) const FORMER_NAME: &str = "access_token_format";

/// What an app is allowed and how it talks; the same for new and for known apps.
#[derive(Debug, Clone, Default, Args)]
pub struct ClientMetadataArgs {
    /// Where people return after sign-in; repeat for several
    #[arg(long = "redirect-uri", value_name = "URI")]
    pub redirect_uris: Vec<String>,
    /// Where people may return after sign-out; repeat for several
    #[arg(long = "post-logout-redirect-uri", value_name = "URI")]
    pub post_logout_redirect_uris: Vec<String>,
    /// Scope the app may ask for; repeat for several
    #[arg(long = "scope", value_name = "SCOPE")]
    pub scopes: Vec<String>,
    /// Grant type the app may use; repeat for several
    #[arg(long = "grant-type", value_name = "GRANT", value_parser = grant_type())]
    pub grant_types: Vec<GrantType>,
    /// How the app proves who it is; client_secret accepts both the header and the form
    #[arg(long, value_name = "METHOD", value_parser = auth_method())]
    pub auth_method: Option<AuthMethod>,
    /// Protected resource the app answers for, by the URI that tokens for it name (RFC 8707): it may
    /// introspect those tokens. Repeat for several; an empty one takes them all away
    #[arg(long = "protected-resource", value_name = "URI")]
    pub protected_resources: Vec<String>,
    /// Claim of the app's own: name@places=source, where places are id_token, access_token and userinfo
    /// and a source is profile:FIELD, group:NAME, group:NAME=VALUE or value:VALUE. Repeat for several;
    /// an empty one takes them all away
    #[arg(long = "claim-mapping", value_name = "MAPPING", value_parser = claim_mapping)]
    pub claim_mappings: Vec<MappingGiven>,
    /// Group whose people may use the app, and nobody else; repeat for several
    #[arg(long = "allow-group", value_name = "NAME")]
    pub allowed_groups: Vec<String>,
    /// Do not ask people for consent: the app is the organisation's own
    #[arg(long)]
    pub skip_consent: bool,
    /// Algorithm that signs ID tokens
    #[arg(long, value_name = "ALG", value_parser = signing_alg())]
    pub id_token_alg: Option<SigningAlg>,
    /// Algorithm that signs access tokens
    #[arg(long, value_name = "ALG", value_parser = signing_alg())]
    pub access_token_alg: Option<SigningAlg>,
    /// Where a revoked access token is dead at once: at this server only (a JWT nobody asks about),
    /// with every service that asks (a JWT), or everywhere (an opaque token)
    #[arg(long, value_name = "CHOICE", value_parser = revocation())]
    pub revocation: Option<RevocationChoice>,
    /// Form of access tokens, for whom that is enough to say
    #[arg(long, value_name = "FORM", value_parser = access_token_format())]
    #[arg(conflicts_with = "revocation")]
    pub access_token_format: Option<AccessTokenFormat>,
    /// JSON file with further client metadata; the flags win over it, what it leaves out stays as it is
    #[arg(long, value_name = "FILE")]
    pub metadata: Option<PathBuf>,
}

/// Reads metadata from a JSON file; members that are missing stay as they are in `base`.
pub(super) fn read_metadata(path: &Path, base: &ClientMetadata) -> Result<ClientMetadata, Failure> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::Failed(format!("{shown} could not be read: {error}")))?;
    let read = serde_json::from_str(&text).and_then(|given| merged(base, given));
    read.map_err(|error| Failure::Failed(format!("{shown}: {error}")))
}

/// The metadata with the members of a file; null gives back what is usual for the kind of app.
fn merged(
    base: &ClientMetadata,
    given: Map<String, Value>,
) -> Result<ClientMetadata, serde_json::Error> {
    let members = |metadata: &ClientMetadata| match serde_json::to_value(metadata) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Ok(Map::new()),
        Err(error) => Err(error),
    };
    let (mut merged, mut usual) = (members(base)?, members(&ClientMetadata::for_kind(base.kind))?);
    if given.contains_key(FORMER_NAME) {
        // The file says by its former name what is there by its own.
        merged.remove("revocation");
    }
    for (name, value) in given {
        let usual = usual.remove(&name).filter(|_| value.is_null());
        merged.insert(name, usual.unwrap_or(value));
    }
    serde_json::from_value(Value::Object(merged))
}

/// Puts the flags over what is there; a flag that can be repeated replaces the whole list.
pub(super) fn apply(args: &ClientMetadataArgs, metadata: &mut ClientMetadata) {
    let replace = |list: &Vec<String>, target: &mut Vec<String>| {
        if !list.is_empty() {
            target.clone_from(list);
        }
    };
    replace(&args.redirect_uris, &mut metadata.redirect_uris);
    replace(&args.post_logout_redirect_uris, &mut metadata.post_logout_redirect_uris);
    replace(&args.protected_resources, &mut metadata.protected_resources);
    metadata.protected_resources.retain(|resource| !resource.is_empty());
    if !args.claim_mappings.is_empty() {
        let given = args.claim_mappings.iter();
        metadata.claim_mappings = given.filter_map(|MappingGiven(given)| given.clone()).collect();
    }
    if !args.allowed_groups.is_empty() {
        metadata.allowed_groups = Some(args.allowed_groups.clone());
    }
    if !args.scopes.is_empty() {
        let tokens = args.scopes.iter().flat_map(|scope| scope.split(' '));
        metadata.scope = Scopes::from_tokens(tokens.filter(|token| !token.is_empty()));
    }
    if !args.grant_types.is_empty() {
        metadata.grant_types.clone_from(&args.grant_types);
    }
    if let Some(method) = args.auth_method {
        metadata.token_endpoint_auth_method = method;
    }
    if args.skip_consent {
        metadata.consent = ConsentPolicy::Skip;
    }
    if let Some(alg) = args.id_token_alg {
        metadata.id_token_signed_response_alg = alg;
    }
    if let Some(alg) = args.access_token_alg {
        metadata.access_token_alg = alg;
    }
    if let Some(format) = args.access_token_format {
        metadata.revocation = metadata.revocation.with_format(format);
    }
    if let Some(choice) = args.revocation {
        metadata.revocation = choice;
    }
}
