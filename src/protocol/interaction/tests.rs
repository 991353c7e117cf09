use super::super::authorize::{Choices, validate};
use super::super::client::tests::client;
use super::super::client::{AuthMethod, ClientKind, ClientOrigin, ConsentPolicy};
use super::super::params::Params;
use super::super::sign_up::SignUp;
use super::*;
use crate::protocol::authorize::acr::Strictness;
use crate::protocol::authorize::authorization_details::DetailType;
use crate::protocol::authorize::reply::ReplyTo;

const NOW: UnixTime = UnixTime(10_000);

struct Case {
    client: Client,
    request: AuthorizeRequest,
    session: Option<SessionFacts>,
    expected: Expected,
    access: Access,
    acting: Acting,
    reachable: Level,
    consent: Option<Allowed>,
    progress: Progress,
}

fn allowed(scopes: &str) -> Allowed {
    Allowed { scopes: Scopes::parse(scopes).unwrap(), claims: BTreeSet::new() }
}

fn case(extra: &str) -> Case {
    let mut client = client();
    client.metadata.authorization_details_types = vec!["pay".into()];
    let query =
        format!("redirect_uri=https://rp.test/cb&response_type=code&scope=openid email&{extra}");
    let params = Params::parse(query.as_bytes()).unwrap();
    let reply_to = ReplyTo::from_request(&client, &params, "https://op.test").unwrap();
    let pay = [DetailType { name: "pay".into(), members: vec![] }];
    let choices = Choices { detail_types: &pay, sign_up: SignUp::Open };
    let request = validate(&client, &params, reply_to, choices).unwrap();
    Case {
        client,
        request,
        session: Some(SessionFacts {
            id: SessionId::new("s"),
            user_id: UserId::new("alice"),
            auth_time: UnixTime(9_000),
            level: Level::Aal1,
        }),
        expected: Expected::Anybody,
        access: Access::LetIn,
        acting: Acting::Settled,
        reachable: Level::Aal1,
        consent: Some(allowed("openid email")),
        progress: Progress::default(),
    }
}

impl Case {
    fn step(&self) -> Step {
        next_step(&Situation {
            request: &self.request,
            client: &self.client,
            session: self.session.as_ref(),
            expected: self.expected,
            access: self.access,
            acting: self.acting,
            reachable: self.reachable,
            consent: self.consent.as_ref(),
            progress: &self.progress,
            now: NOW,
        })
    }

    fn refusal(&self) -> &'static str {
        match self.step() {
            Step::Refuse(error) => error.code.as_str(),
            other => panic!("expected a refusal, got {other:?}"),
        }
    }
}

#[test]
fn who_is_not_in_the_organisation_is_refused_and_who_has_not_chosen_is_asked() {
    let acting = |acting: Acting, extra: &str| Case { acting, ..case(extra) };
    for extra in ["", "prompt=none"] {
        assert_eq!(acting(Acting::Stranger, extra).refusal(), "access_denied", "{extra}");
    }
    assert_eq!(acting(Acting::Open, "").step(), Step::ChooseOrganisation);
    assert_eq!(acting(Acting::Open, "prompt=none").refusal(), "interaction_required");
    // Nobody chooses for an app that is not for them, or before they have signed in.
    let shut_out = Case { access: Access::ShutOut, ..acting(Acting::Open, "") };
    assert_eq!(shut_out.step(), Step::ShutOut);
    let nobody = Case { session: None, ..acting(Acting::Open, "") };
    assert_eq!(nobody.step(), Step::SignIn(SignInReason::NoSession));
}

#[test]
fn somebody_whom_the_app_shuts_out_hears_so_once_it_is_clear_who_they_are() {
    let shut_out = |extra: &str| Case { access: Access::ShutOut, ..case(extra) };
    assert_eq!(shut_out("").step(), Step::ShutOut);
    assert_eq!(shut_out("prompt=consent").step(), Step::ShutOut);
    assert_eq!(shut_out("prompt=none").refusal(), "access_denied");
    assert_eq!(shut_out("prompt=login").step(), Step::SignIn(SignInReason::PromptLogin));
    assert_eq!(shut_out("prompt=select_account").step(), Step::ChooseAccount);
    let nobody = Case { session: None, ..shut_out("prompt=none") };
    assert_eq!(nobody.refusal(), "login_required");
    let another = Progress { account: AccountChoice::Another, ..Progress::default() };
    let another = Case { progress: another, ..shut_out("") };
    assert_eq!(another.step(), Step::SignIn(SignInReason::SelectAccount));
}

#[test]
fn a_session_with_consent_issues_without_a_page() {
    assert_eq!(case("").step(), Step::Issue);
    assert_eq!(case("prompt=none").step(), Step::Issue);
    assert_eq!(case("max_age=10000").step(), Step::Issue);
}

#[test]
fn prompt_none_never_asks() {
    let mut silent = case("prompt=none");
    silent.consent = None;
    assert_eq!(silent.refusal(), "consent_required");
    silent.session = None;
    assert_eq!(silent.refusal(), "login_required");
    assert!(matches!(case("prompt=none&max_age=5").step(), Step::Refuse(_)));
}

#[test]
fn prompt_login_and_max_age_ask_once_and_are_satisfied_by_this_flow() {
    for extra in ["prompt=login", "max_age=1", "max_age=0"] {
        let mut again = case(extra);
        assert!(matches!(again.step(), Step::SignIn(_)), "{extra}");
        again.progress.signed_in_at = Some(UnixTime(9_000));
        assert_eq!(again.step(), Step::Issue, "{extra}");
    }
}

#[test]
fn an_older_sign_in_does_not_satisfy_a_flow() {
    let mut again = case("prompt=login");
    again.progress.signed_in_at = Some(UnixTime(8_000));
    assert_eq!(again.step(), Step::SignIn(SignInReason::PromptLogin));
}

#[test]
fn a_hint_for_somebody_else_asks_once_then_refuses() {
    let mut other = case("");
    other.expected = Expected::SomebodyElse;
    assert_eq!(other.step(), Step::SignIn(SignInReason::AnotherPerson));
    other.progress.signed_in_at = Some(UnixTime(9_000));
    assert_eq!(other.refusal(), "login_required");
}

#[test]
fn consent_is_asked_for_new_scopes_only_and_remembered() {
    let mut narrow = case("");
    narrow.consent = Some(allowed("openid"));
    let email = Missing { scopes: Scopes::parse("email").unwrap(), claims: BTreeSet::new() };
    assert_eq!(narrow.step(), Step::Consent(email));
    narrow.progress.consented_at = Some(NOW);
    assert_eq!(narrow.step(), Step::Issue);
    let mut own = case("");
    own.consent = None;
    own.client.metadata.consent = ConsentPolicy::Skip;
    assert_eq!(own.step(), Step::Issue);
    own.client.origin = ClientOrigin::Dynamic;
    assert!(matches!(own.step(), Step::Consent(_)), "a stranger cannot excuse itself");
}

#[test]
fn prompt_consent_asks_even_when_all_is_granted() {
    assert!(matches!(case("prompt=consent").step(), Step::Consent(_)));
}

#[test]
fn a_claim_asked_for_by_name_needs_consent_of_its_own_once() {
    let claims = "claims=%7B%22id_token%22:%7B%22email%22:null,%22phone_number%22:null%7D%7D";
    let mut named = case(claims);
    let Step::Consent(missing) = named.step() else { panic!("{:?}", named.step()) };
    assert_eq!(missing.scopes, Scopes::default());
    assert_eq!(missing.claims.iter().collect::<Vec<_>>(), ["phone_number"]);
    if let Some(consent) = &mut named.consent {
        consent.claims.insert("phone_number".into());
    }
    assert_eq!(named.step(), Step::Issue);
}

#[test]
fn authorization_details_are_asked_about_each_time() {
    let pay = "authorization_details=%5B%7B%22type%22:%22pay%22%7D%5D";
    let mut each = case(pay);
    assert_eq!(each.step(), Step::Consent(Missing::default()));
    each.progress.consented_at = Some(NOW);
    assert_eq!(each.step(), Step::Issue);
    assert_eq!(case(&format!("{pay}&prompt=none")).refusal(), "consent_required");
    let mut own = case(pay);
    own.client.metadata.consent = ConsentPolicy::Skip;
    assert_eq!(own.step(), Step::Issue);
}

#[test]
fn select_account_asks_which_one_and_takes_the_answer() {
    let mut select = case("prompt=select_account");
    assert_eq!(select.step(), Step::ChooseAccount);
    select.progress.account = AccountChoice::Chosen(SessionId::new("other"));
    assert_eq!(select.step(), Step::ChooseAccount, "the chosen one has ended meanwhile");
    select.progress.account = AccountChoice::Chosen(SessionId::new("s"));
    assert_eq!(select.step(), Step::Issue);
    select.progress.account = AccountChoice::Another;
    assert_eq!(select.step(), Step::SignIn(SignInReason::SelectAccount));
    select.progress.signed_in_at = Some(UnixTime(9_000));
    assert_eq!(select.step(), Step::Issue);
    // Choosing is no signing in.
    let mut both = case("prompt=select_account login");
    both.progress.account = AccountChoice::Chosen(SessionId::new("s"));
    assert_eq!(both.step(), Step::SignIn(SignInReason::PromptLogin));
}

#[test]
fn with_nobody_active_the_accounts_of_the_browser_are_offered() {
    let mut none = case("");
    none.session = None;
    none.progress.account = AccountChoice::Open;
    assert_eq!(none.step(), Step::ChooseAccount);
    none.progress.account = AccountChoice::Another;
    assert_eq!(none.step(), Step::SignIn(SignInReason::NoSession));
    let mut silent = case("prompt=none");
    silent.session = None;
    silent.progress.account = AccountChoice::Open;
    assert_eq!(silent.refusal(), "account_selection_required");
}

#[test]
fn prompt_create_asks_for_an_account_whoever_is_signed_in_and_is_satisfied_by_this_flow() {
    for extra in ["prompt=create", "prompt=create login select_account", "prompt=create&max_age=0"]
    {
        let mut create = case(extra);
        assert_eq!(create.step(), Step::SignUp, "{extra}");
        create.session = None;
        create.progress.account = AccountChoice::Open;
        assert_eq!(create.step(), Step::SignUp, "{extra}");
        create = Case { session: case("").session, ..create };
        create.progress.signed_in_at = Some(UnixTime(9_000));
        assert_eq!(create.step(), Step::Issue, "{extra}");
    }
    let mut asked = case("prompt=create consent");
    asked.progress.signed_in_at = Some(UnixTime(9_000));
    assert!(matches!(asked.step(), Step::Consent(_)));
}

#[test]
fn nobody_makes_an_account_for_an_app_that_expects_a_person_it_knows() {
    for expected in [Expected::ThisPerson, Expected::SomebodyElse] {
        let known = Case { expected, ..case("prompt=create") };
        assert_eq!(known.refusal(), "login_required");
    }
}

#[test]
fn a_step_up_that_fell_short_in_this_flow_is_not_asked_for_again() {
    let signed_in = |case: &mut Case| {
        case.progress.signed_in_at = case.session.as_ref().map(|session| session.auth_time);
    };
    let mut wish = Case { reachable: Level::Aal2, ..case("acr_values=aal2") };
    assert_eq!(wish.step(), Step::StepUp(Level::Aal2));
    signed_in(&mut wish);
    assert_eq!(wish.step(), Step::Issue, "the client looks at the acr it gets");
    let mut must = Case { reachable: Level::Aal2, ..case("") };
    must.request.acr.levels = vec![Level::Aal2];
    must.request.acr.named = true;
    must.request.acr.strictness = Strictness::Essential;
    assert_eq!(must.step(), Step::StepUp(Level::Aal2));
    signed_in(&mut must);
    assert_eq!(must.refusal(), "unmet_authentication_requirements");
}

#[test]
fn a_level_within_reach_is_asked_for_and_one_out_of_reach_refused_if_essential() {
    let mut wish = case("acr_values=aal2");
    assert_eq!(wish.step(), Step::Issue);
    wish.reachable = Level::Aal2;
    assert_eq!(wish.step(), Step::StepUp(Level::Aal2));
    wish.request.prompts.display = PromptDisplay::Forbidden;
    assert_eq!(wish.step(), Step::Issue);
    let mut must = case("");
    must.request.acr.levels = vec![Level::Aal2];
    must.request.acr.named = true;
    must.request.acr.strictness = Strictness::Essential;
    assert_eq!(must.refusal(), "unmet_authentication_requirements");
    must.session = None;
    assert_eq!(must.refusal(), "unmet_authentication_requirements", "no password in vain");
    must = Case { session: case("").session, reachable: Level::Aal2, ..must };
    assert_eq!(must.step(), Step::StepUp(Level::Aal2));
    must.request.prompts.display = PromptDisplay::Forbidden;
    assert_eq!(must.refusal(), "interaction_required");
    if let Some(session) = &mut must.session {
        session.level = Level::Aal2;
    }
    assert_eq!(must.step(), Step::Issue);
}

#[test]
fn a_program_that_anybody_can_imitate_is_asked_about_each_time() {
    let native = |uri: &str, extra: &str| {
        let mut case = case(extra);
        case.client.metadata.kind = ClientKind::Native;
        case.client.metadata.token_endpoint_auth_method = AuthMethod::None;
        case.client.metadata.redirect_uris = vec![uri.into()];
        let query = format!("redirect_uri={uri}");
        let params = Params::parse(query.as_bytes()).unwrap();
        let reply_to = ReplyTo::from_request(&case.client, &params, "https://op.test").unwrap();
        case.request.reply_to = reply_to;
        case
    };
    for uri in ["http://127.0.0.1:7777/cb", "com.example.app:/cb"] {
        let mut app = native(uri, "");
        assert_eq!(app.step(), Step::Consent(Missing::default()), "{uri}");
        assert_eq!(native(uri, "prompt=none").refusal(), "consent_required");
        app.progress.consented_at = Some(NOW);
        assert_eq!(app.step(), Step::Issue);
        let mut excused = native(uri, "prompt=none");
        excused.client.metadata.consent = ConsentPolicy::Skip;
        assert_eq!(excused.step(), Step::Issue, "an administrator has said so");
        let mut confidential = native(uri, "");
        confidential.client.metadata.token_endpoint_auth_method = AuthMethod::PrivateKeyJwt;
        assert_eq!(confidential.step(), Step::Issue, "it proves who it is");
    }
    assert_eq!(native("https://app.test/cb", "").step(), Step::Issue, "claimed by one app alone");
}
