//! The `claims` parameter.
//!
//! Input: the text of the parameter.

use doorward::protocol::authorize::acr::{AcrDemand, Level, Standing};
use doorward::protocol::authorize::claims_request::{ClaimsRequest, scope_of};
use doorward::protocol::scope::Scopes;
use serde_json::Value;

pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(request) = ClaimsRequest::parse(text) else { return };
    assert!(text.len() <= 8192);
    let written: Value = serde_json::from_str(text).expect("what is read is JSON");
    for (place, asked) in [("userinfo", &request.userinfo), ("id_token", &request.id_token)] {
        assert!(asked.len() <= 64);
        for (name, demand) in asked {
            let demanded = &written[place][name];
            assert!(demanded.is_null() || demanded.is_object(), "{place} {name}");
            assert_eq!(demand.essential, demanded["essential"] == Value::Bool(true));
            // A value that is null counts as left out, but for the person asked about.
            let value = demanded.get("value").filter(|value| name == "sub" || !value.is_null());
            assert_eq!(demand.value.as_ref(), value);
            for value in demand.wanted() {
                assert!(demand.accepts(value), "a value asked for does");
            }
        }
    }
    let scopes = Scopes::from_tokens(["openid", "email"]);
    let limited = request.clone().limited_to(&scopes);
    assert!(limited.beyond(&scopes).is_empty(), "nothing is beyond what the client may ask for");
    for name in request.beyond(&scopes) {
        assert!(scope_of(&name).is_some_and(|scope| !scopes.contains(scope)));
    }
    let kept = serde_json::to_string(&request).expect("a request is JSON");
    assert_eq!(ClaimsRequest::parse(&kept).expect("what is kept reads back"), request);
    let acr = AcrDemand::new(&request, Some("aal2 aal1"), &[]);
    if acr.judge(Level::Aal1, Level::Aal1) == Standing::Met {
        assert_ne!(acr.judge(Level::Aal2, Level::Aal2), Standing::Unmet, "more is never worse");
    }
}
