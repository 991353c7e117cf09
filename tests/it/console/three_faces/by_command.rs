//! The changes made with the command line.

use super::{C, Change, ELSEWHERE, Hand, NOWHERE, PASSWORD, Subject};
use crate::kit::console::ISSUER_KEYS;
use crate::kit::pictures::png;

impl Hand<'_> {
    #[expect(clippy::too_many_lines, reason = "one arm for every change")]
    pub(super) fn by_command(&self, change: Change, subject: &Subject) {
        let name = self.name;
        let (email, team) = (format!("{name}@example.test"), format!("{name}-team"));
        let person =
            ["user", "create", "--username", name, "--email", &email, "--password-file", "-"];
        let app = ["client", "create", "--name", name, "--type", "web", "--client-id", name];
        let app =
            [&app[..], &["--redirect-uri", "https://rp.test/cb", "--scope", "openid"]].concat();
        let provider =
            ["upstream", "create", "--slug", name, "--name", name, "--issuer", ELSEWHERE];
        let provider = [&provider[..], &["--client-id", "doorward", "--secret-file", "-"]].concat();
        let (org, hook) = (format!("{name}-org"), format!("{name}-hook"));
        let (picture, tar) = (format!("{name}.png"), format!("{name}.tar"));
        let [picture, tar] =
            [picture, tar].map(|file| self.world.path(&file).display().to_string());
        std::fs::write(&picture, png(90)).expect("a picture");
        let keys = self.world.write("issuer.jwks", ISSUER_KEYS);
        let iss = format!("https://{name}.test");
        let rule = ["--issuer", &iss, "--jwks-file", &keys, "--client", name, "--match"];
        let issuer =
            |verb, rule_is| [&["issuer", verb, "--name", name], &rule[..], &[rule_is]].concat();
        let trusted = issuer("create", "sub=prod:backup");
        let changed = issuer("update", "sub=prod:*");
        let webhook = ["webhook", "create", "--name", &hook, "--url", NOWHERE, "--event", "key.*"];
        let key = ["api-key", "create", "--user", "the-owner", "--name", name, "--scope"];
        let key = [&key[..], &["doorward.users:read"]].concat();
        let people = format!("username,groups\n{name}-imported,{name}-imported\n");
        let people = self.world.write("people.csv", &people);
        let arguments: &[&str] = match change {
            C::PeopleImported => &["user", "import", &people],
            C::LinkMade => unreachable!("{change:?}"),
            C::PersonRenamed => &["user", "update", name, "--name", "Somebody"],
            C::ProfileChanged => &["user", "update", name, "--nickname", "Some", "--country", "UK"],
            C::ConsoleRoleGiven => &["user", "update", name, "--role", "auditor"],
            C::ConsoleRoleTaken => &["user", "update", name, "--role", "none"],
            C::TemporaryPasswordGiven => &["user", "set-password", name, "--temporary"],
            C::SessionEnded => &["session", "revoke", &subject.id],
            C::OrganisationCreated => &["organisation", "create", &org],
            C::OrganisationMemberAdded => &["organisation", "add", &org, name],
            C::OrganisationMemberRemoved => &["organisation", "remove", &org, name],
            C::OrganisationRenamed => {
                &["organisation", "update", &org, "--display-name", "Orchard"]
            }
            C::OrganisationDeleted => &["organisation", "delete", &org],
            C::LogoSet => &["client", "logo", name, &picture],
            C::LogoRemoved => &["client", "logo", name, "--remove"],
            C::IssuerTrusted => &trusted,
            C::IssuerChanged => &changed,
            C::IssuerDisabled => &["issuer", "disable", name],
            C::IssuerEnabled => &["issuer", "enable", name],
            C::IssuerDistrusted => &["issuer", "delete", name],
            C::KeyRetired => &["key", "retire", &subject.id],
            C::SettingSet => &["setting", "set", "session.idle", "1201"],
            C::SettingUnset => &["setting", "unset", "session.idle"],
            C::BrandLogoSet => &["setting", "logo", &picture],
            C::BrandLogoRemoved => &["setting", "logo", "--remove"],
            C::ApiKeyMade => &key,
            C::WebhookAdded => &webhook,
            C::WebhookChanged => &["webhook", "update", &hook, "--event", "backup.made"],
            C::WebhookTested => {
                self.uses("webhook test");
                self.world.run(&["webhook", "test", &hook]);
                return;
            }
            C::WebhookSecret => &["webhook", "rotate", &hook],
            C::WebhookDisabled => &["webhook", "disable", &hook],
            C::WebhookEnabled => &["webhook", "enable", &hook],
            C::WebhookDeleted => &["webhook", "delete", &hook],
            C::BackupMade => &["backup", &tar],
            C::PersonCreated => &person,
            C::PersonDisabled => &["user", "disable", name],
            C::PersonEnabled | C::PersonBroughtBack => &["user", "enable", name],
            C::AppTakenBack => &["user", "remove-app", "alice", "diary"],
            C::ConnectionEnded => &["user", "end-connection", "alice", &subject.id],
            C::SessionsEnded => &["session", "revoke", "--client", "shop"],
            C::SignedOut => &["session", "revoke", "--user", "alice"],
            C::GroupCreated => &["group", "create", name],
            C::MemberAdded => &["group", "add-member", name, name],
            C::ManagerAdded => &["group", "add-manager", name, name],
            C::ManagerRemoved => &["group", "remove-manager", name, name],
            C::MemberRemoved => &["group", "remove-member", name, name],
            C::GroupRenamed => &["group", "update", name, "--name", &team],
            C::GroupDeleted => &["group", "delete", &team],
            C::AppCreated => &app,
            C::RoleCreated => &["role", "create", name, "writer"],
            C::RoleDescribed => &["role", "update", name, "writer", "--description", "Writes."],
            C::RoleGiven => &["role", "give", name, "writer", "--user", name],
            C::RoleGivenToGroup => &["role", "give", name, "writer", "--group", "crew"],
            C::RoleTaken => &["role", "take", name, "writer", "--user", name],
            C::RoleTakenFromGroup => &["role", "take", name, "writer", "--group", "crew"],
            C::RoleDeleted => &["role", "delete", name, "writer"],
            C::Previewed => &["client", "preview", name, "alice", "--scope", "openid"],
            C::MessageHurried => &["job", "retry", &subject.id],
            C::MessageDiscarded => &["job", "discard", &subject.id],
            C::MessageRepeated => &["webhook", "redeliver", name, &subject.line],
            C::ApiKeyRevoked => &["api-key", "revoke", &subject.id],
            C::RegistrationTokenMade => &["registration-token", "create", "--label", name],
            C::RegistrationTokenRevoked => &["registration-token", "revoke", &subject.id],
            C::RegistrationAccessEnded => &["client", "revoke-registration", &subject.id],
            C::AppRenamed => &["client", "update", name, "--name", &team],
            C::SecretRotated => &["client", "rotate-secret", name],
            C::SecretAdded => &["client", "add-secret", name],
            C::SecretRetired => &["client", "retire-secret", name, &subject.id],
            C::AppDisabled => &["client", "update", name, "--disable"],
            C::AppEnabled => &["client", "update", name, "--enable"],
            C::AppDeleted => &["client", "delete", name],
            C::KeyRotated => &["key", "rotate", "--alg", "ES256"],
            C::PersonDeletedLater => &["user", "delete", name, "--later"],
            C::UpstreamAdded => &provider,
            C::UpstreamRenamed => &["upstream", "update", name, "--name", &team],
            C::UpstreamSecret => &["upstream", "update", name, "--secret-file", "-"],
            C::MailTested => {
                self.uses("mail test");
                let test = self.world.run(&["mail", "test", "ada@example.test"]);
                assert_eq!(test.status.code(), Some(1), "there is no mail server");
                return;
            }
            C::UpstreamTested => {
                self.uses("upstream test");
                let test = self.world.run(&["upstream", "test", name]);
                assert_eq!(test.status.code(), Some(1), "nobody answers there");
                return;
            }
            C::UpstreamDisabled => &["upstream", "disable", name],
            C::UpstreamEnabled => &["upstream", "enable", name],
            C::UpstreamDeleted => &["upstream", "delete", name],
            C::PersonDeleted => &["user", "delete", name],
        };
        let words = if arguments[0] == "backup" { 1 } else { 2 };
        self.uses(&arguments[..words].join(" "));
        let secret = if change == C::UpstreamSecret { "another one" } else { PASSWORD };
        self.world.cli_with_input(&[arguments, &["--yes"]].concat(), secret);
    }
}
