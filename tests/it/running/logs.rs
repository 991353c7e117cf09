//! What the lines of the log say of a request, in both layouts.

use reqwest::Method;

use crate::kit::flow::{App, http_client, read};
use crate::support::world::World;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// The last line of the log with this message.
fn line(world: &World, message: &str) -> String {
    let log = world.log();
    let found = log.lines().rfind(|line| line.contains(message));
    found.unwrap_or_else(|| panic!("no `{message}` in the log:\n{log}")).to_owned()
}

/// A token request of this app that is refused, in the trace [`TRACE`].
async fn refused_token(world: &World, app: &App) {
    let request = http_client().post(world.url("/oauth2/token"));
    let request = request.basic_auth("app", Some(&app.secret)).header("traceparent", PARENT);
    let fields = [("grant_type", "authorization_code"), ("code", "that-nobody-gave-out")];
    let answer = read(request.form(&fields)).await.expect("an answer");
    assert_eq!(answer.status, 400, "{}", answer.text);
}

on_both_backends! {
    async fn every_line_of_a_traced_request_names_its_trace_and_refusals_their_app(backend: Backend) {
        for layout in ["json", "text"] {
            let world = World::builder(backend)
                .env("DOORWARD_LOG__FORMAT", layout)
                .env("DOORWARD_SERVER__TRUSTED_PROXIES", "127.0.0.1/32")
                .start()
                .await;
            let app = App::register(&world, "app", &[]);
            refused_token(&world, &app).await;
            let browser = world.browser();
            let address = browser.resolve(&app.authorize_path(&[("prompt", "none")]));
            browser.send(browser.request(Method::GET, &address).header("traceparent", PARENT)).await;
            for (message, event) in
                [("request refused", "request.refused"), ("authorization refused", "authorization.refused")]
            {
                let line = line(&world, message);
                for (field, value) in [("event", event), ("outcome", "failure")] {
                    let told = [format!("{field}=\"{value}\""), format!("\"{field}\":\"{value}\"")];
                    assert!(told.iter().any(|told| line.contains(told)), "{layout}: no {told:?} in {line}");
                }
                assert!(line.contains(TRACE), "{layout}: no trace in {line}");
                let client = ["client_id=\"app\"", "\"client_id\":\"app\""];
                assert!(client.iter().any(|told| line.contains(told)), "{layout}: no app in {line}");
                assert!(line.contains("request_id"), "{layout}: no request in {line}");
            }
            world.assert_log_is_clean(&[&app.secret]);
        }
    }

    async fn what_settings_leave_out_is_in_no_line_of_either_layout(backend: Backend) {
        for layout in ["json", "text"] {
            let world = World::builder(backend)
                .env("DOORWARD_LOG__FORMAT", layout)
                .env("DOORWARD_LOG__EXCLUDE_FIELDS", "client_id,request_id,trace_id")
                .env("DOORWARD_SERVER__TRUSTED_PROXIES", "127.0.0.1/32")
                .start()
                .await;
            let app = App::register(&world, "app", &[]);
            refused_token(&world, &app).await;
            let line = line(&world, "request refused");
            assert!(line.contains("invalid_"), "{layout}: no code in {line}");
            for gone in ["client_id", "request_id", "trace_id", TRACE] {
                assert!(!world.log().contains(gone), "{layout}: {gone} in {}", world.log());
            }
        }
    }

    async fn who_claims_to_be_an_app_that_is_none_is_not_in_the_log(world: World) {
        let slip = "a-secret-typed-into-the-wrong-field";
        let stranger = App::known(&world, slip, "a-secret");
        stranger.client_credentials().await.assert_error(401, "invalid_client");
        assert!(line(&world, "request refused").contains("invalid_client"));
        world.assert_log_is_clean(&[slip]);
    }
}
