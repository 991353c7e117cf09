//! Where each endpoint is, below the issuer. The only list of protocol paths; the URL map of the HTTP
//! layer is built from it.

pub const AUTHORIZE: &str = "/oauth2/authorize";
pub const TOKEN: &str = "/oauth2/token";
pub const PAR: &str = "/oauth2/par";
pub const USERINFO: &str = "/oauth2/userinfo";
pub const DEVICE_AUTHORIZATION: &str = "/oauth2/device_authorization";
pub const INTROSPECT: &str = "/oauth2/introspect";
pub const REVOKE: &str = "/oauth2/revoke";
pub const LOGOUT: &str = "/oauth2/logout";
/// Where people let devices in: `verification_uri` (RFC 8628 section 3.2).
pub const DEVICE: &str = "/device";
pub const CHECK_SESSION: &str = "/oauth2/check_session";
pub const REGISTER: &str = "/oauth2/register";
pub const JWKS: &str = "/.well-known/jwks.json";
pub const OPENID_CONFIGURATION: &str = "/.well-known/openid-configuration";
/// At the root of the host as well, where RFC 7033 section 10.1 has it (an issuer may have a path).
pub const WEBFINGER: &str = "/.well-known/webfinger";
pub const AUTHORIZATION_SERVER: &str = "/.well-known/oauth-authorization-server";
