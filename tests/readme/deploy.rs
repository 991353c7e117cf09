//! What is in `deploy/` is held to the program and to the documents.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use saphyr::LoadableYamlNode as _;
use serde_json::Value;

use crate::documents::{Document, files};

const CHART: &str = "deploy/helm/doorward";

/// The compose file that the others are laid over or stand beside.
const COMPOSE: &str = "docker-compose.yml";

fn chart(file: &str) -> Document {
    Document::read(&format!("{CHART}/{file}"))
}

#[test]
fn every_setting_in_deploy_is_in_the_reference() {
    let reference = Document::read("docs/configuration.md");
    let mut paths = Vec::new();
    for extension in ["yaml", "yml", "service", "timer"] {
        paths.extend(files(Path::new("deploy"), extension));
    }
    assert!(paths.len() >= 9, "only {paths:?}");
    for path in paths {
        Document::read(&path.display().to_string()).assert_names_settings_of(&reference);
    }
}

#[test]
fn the_chart_gives_the_master_key_as_a_file_that_not_everybody_reads() {
    let deployment = chart("templates/deployment.yaml").text;
    for (variable, file) in
        [("SECRETS__MASTER_KEY", "master-key"), ("DATABASE__URL", "database-url")]
    {
        let given = format!(
            "- name: DOORWARD_{variable}_FILE\n              value: /run/secrets/doorward/{file}\n"
        );
        assert!(deployment.contains(&given), "{variable}");
        assert!(!deployment.contains(&format!("- name: DOORWARD_{variable}\n")), "{variable}");
        assert!(deployment.contains(&format!("path: {file}\n")), "{variable}");
    }
    assert!(deployment.contains("mountPath: /run/secrets/doorward\n"));
    assert!(deployment.contains("defaultMode: 0440\n"));
}

#[test]
fn the_ingress_of_the_chart_publishes_what_the_documents_say_and_knows_its_proxies() {
    let ingress = chart("templates/ingress.yaml").text;
    assert!(ingress.contains("if not .Values.trustedProxies"));
    assert!(ingress.contains(r#"range list "verify" "envoy""#));
    assert!(ingress.contains("-management"));
    // Below ServiceMonitor and ingress alike: an address of its own, which every controller can send to.
    assert!(!chart("templates/service.yaml").text.contains("clusterIP: None"));
    let operations = Document::read("docs/operations.md").text;
    let install = operations.split("helm install doorward").nth(1).unwrap();
    let install = install.split("```").next().unwrap();
    for value in ["issuer=", "existingSecret=", "ingress.enabled=true", "trustedProxies="] {
        assert!(install.contains(value), "{install}");
    }
}

#[test]
fn the_scrape_job_of_the_chart_is_called_as_the_alerts_expect() {
    let monitor = chart("templates/servicemonitor.yaml").text;
    assert!(monitor.contains("\n  jobLabel: app.kubernetes.io/name\n"), "{monitor}");
    // The service that it selects has that label, with the name of the chart as its value.
    let service = chart("templates/service.yaml").text;
    let management = service.split("\n---\n").nth(1).unwrap();
    let labels = management.split_once("\nspec:").unwrap().0;
    assert!(labels.contains(r#"{{- include "doorward.labels" ."#), "{labels}");
    let helpers = chart("templates/_helpers.tpl").text;
    assert!(helpers.contains("app.kubernetes.io/name: {{ .Chart.Name }}\n"));
    let about = chart("Chart.yaml").text;
    let name = about.lines().find_map(|line| line.strip_prefix("name: ")).unwrap();
    let alerts = Document::read("docs/monitoring/alerts.yaml").text;
    assert!(alerts.contains(&format!("up{{job=\"{name}\"}} == 0")));
}

/// The values of a key in a unit, without what a number sign stands before.
fn values<'a>(unit: &'a str, key: &str) -> Vec<&'a str> {
    unit.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('=')).collect()
}

#[test]
fn the_units_of_systemd_share_user_data_and_configuration_and_need_no_further_file() {
    let unit = |name: &str| Document::read(&format!("deploy/systemd/{name}")).text;
    let (server, backup) = (unit("doorward.service"), unit("doorward-backup.service"));
    for key in ["DynamicUser", "User", "Environment"] {
        assert_eq!(values(&server, key), values(&backup, key), "{key}");
        assert_eq!(values(&server, key).len(), 1, "{key}");
    }
    assert_eq!(values(&server, "StateDirectory"), ["doorward"]);
    assert_eq!(values(&backup, "StateDirectory"), ["doorward doorward-backup"]);
    for unit in [&server, &backup] {
        // A credential whose file is missing keeps a service from starting.
        assert_eq!(values(unit, "LoadCredential"), Vec::<&str>::new());
        assert_eq!(values(unit, "#LoadCredential").len(), 3);
    }
    let operations = Document::read("docs/operations.md").text;
    for property in ["DynamicUser=yes", "User=doorward", "StateDirectory=doorward"] {
        assert!(operations.contains(&format!("--property {property}")), "{property}");
        assert!(server.lines().any(|line| line == property), "{property}");
    }
}

#[test]
fn the_proxy_of_the_compose_file_is_believed_and_publishes_what_the_documents_say() {
    let compose = Document::read("deploy/compose.proxy.yml").text;
    let value = |key: &str| {
        let mut all =
            compose.lines().filter_map(|line| line.trim().strip_prefix(key)?.strip_prefix(": "));
        all.next().unwrap_or_else(|| panic!("no {key}")).to_owned()
    };
    assert_eq!(value("DOORWARD_SERVER__TRUSTED_PROXIES"), value("ipv4_address"));
    assert!(value("- subnet").starts_with("172.30.250.0/"));
    let mounted = compose.lines().find_map(|line| line.trim().strip_prefix("- ./")).unwrap();
    let (file, _) = mounted.split_once(':').unwrap();
    let caddy = Document::read(file).text;
    for path in ["/gateway/verify", "/gateway/envoy"] {
        assert!(caddy.contains(path), "{path}");
    }
    assert!(caddy.contains("{$DOORWARD_ISSUER}"));
    for variable in ["DOORWARD_ISSUER", "DOORWARD_SERVER__TRUSTED_PROXIES"] {
        assert!(compose.contains(variable), "{variable}");
    }
}

/// A file of the repository that is one YAML document, as whatever reads YAML takes it.
fn yaml(path: &str) -> Value {
    let text = Document::read(path).text;
    let documents = saphyr::Yaml::load_from_str(&text);
    let documents = documents.unwrap_or_else(|error| panic!("{path}: {error}"));
    let [document] = documents.as_slice() else { panic!("{path}: not one document") };
    value_of(document)
}

fn value_of(yaml: &saphyr::Yaml<'_>) -> Value {
    if let Some(mapping) = yaml.as_mapping() {
        let pairs = mapping
            .iter()
            .map(|(key, found)| (key.as_str().expect("a key").to_owned(), value_of(found)));
        return Value::Object(pairs.collect());
    }
    if let Some(items) = yaml.as_sequence() {
        return Value::Array(items.iter().map(value_of).collect());
    }
    if let Some(text) = yaml.as_str() {
        return Value::from(text);
    }
    if let Some(number) = yaml.as_integer() {
        return Value::from(number);
    }
    yaml.as_bool().map_or(Value::Null, Value::from)
}

/// The names in a list, or the keys of a mapping: compose files have one or the other in the same places.
fn names(value: &Value) -> BTreeSet<String> {
    match value {
        Value::Array(items) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Value::Object(members) => members.keys().cloned().collect(),
        _ => BTreeSet::new(),
    }
}

/// What a compose file, with those that it is laid over, says at its top below this key.
fn declared(files: &[&str], key: &str) -> BTreeSet<String> {
    files.iter().flat_map(|file| names(&yaml(file)[key])).collect()
}

#[test]
fn every_compose_file_is_whole_with_those_that_it_is_laid_over() {
    for files in
        [&[COMPOSE][..], &["deploy/compose.embedded.yml"], &[COMPOSE, "deploy/compose.proxy.yml"]]
    {
        let file = files[files.len() - 1];
        let (volumes, networks) = (declared(files, "volumes"), declared(files, "networks"));
        let services = declared(files, "services");
        let about = yaml(file);
        for (name, service) in about["services"].as_object().expect("services") {
            for mounted in names(&service["volumes"]) {
                let place = mounted.split(':').next().unwrap();
                let is_path = place.starts_with(['.', '/']);
                assert!(is_path || volumes.contains(place), "{file}: {name} mounts {place}");
            }
            let joined = names(&service["networks"]);
            assert!(joined.is_subset(&networks), "{file}: {name} is in {joined:?}");
            let needed = names(&service["depends_on"]);
            assert!(needed.is_subset(&services), "{file}: {name} needs {needed:?}");
            // Compose takes texts for variables; anything else is another value than it looks like.
            let environment = service["environment"].as_object();
            for (variable, value) in environment.into_iter().flatten() {
                assert!(value.is_string(), "{file}: {name}: {variable} is {value}");
            }
        }
    }
}

#[test]
fn doorward_in_a_container_writes_to_its_volume_and_is_reached_from_this_machine_only() {
    for file in [COMPOSE, "deploy/compose.embedded.yml"] {
        let service = yaml(file)["services"]["doorward"].clone();
        assert_eq!(service["read_only"], true, "{file}");
        assert_eq!(service["cap_drop"], serde_json::json!(["ALL"]), "{file}");
        assert!(names(&service["security_opt"]).contains("no-new-privileges:true"), "{file}");
        for port in names(&service["ports"]) {
            assert!(port.starts_with("127.0.0.1:"), "{file}: {port}");
        }
        // Longer than the server takes to end in order.
        assert_eq!(service["stop_grace_period"], "40s", "{file}");
    }
}

/// The values that a text of the chart names, as in `.Values.ingress.enabled`.
fn values_in(text: &str) -> Vec<String> {
    let named = text.split(".Values.").skip(1).map(|rest| {
        let end = rest.find(|sign: char| !sign.is_ascii_alphanumeric() && sign != '.');
        rest[..end.unwrap_or(rest.len())].trim_end_matches('.').to_owned()
    });
    named.collect()
}

#[test]
fn the_chart_has_every_value_that_its_templates_name_and_names_every_value_it_has() {
    let about = yaml(&format!("{CHART}/Chart.yaml"));
    assert_eq!(
        (about["apiVersion"].as_str(), about["name"].as_str()),
        (Some("v2"), Some("doorward"))
    );
    assert_eq!(about["appVersion"], env!("CARGO_PKG_VERSION"), "what it installs");
    assert!(about["version"].is_string());
    let values = yaml(&format!("{CHART}/values.yaml"));
    let mut named = BTreeSet::new();
    for entry in std::fs::read_dir(format!("{CHART}/templates")).expect("templates") {
        let path = entry.expect("an entry").path();
        let text = std::fs::read_to_string(&path).expect("a template");
        for name in values_in(&text) {
            let pointer = format!("/{}", name.replace('.', "/"));
            assert!(values.pointer(&pointer).is_some(), "{}: no value {name}", path.display());
            named.extend(name.split('.').next().map(str::to_owned));
        }
    }
    assert_eq!(named, names(&values));
}

/// The number of the systemd here, if there is one.
fn systemd() -> Option<u32> {
    let told = Command::new("systemd-analyze").arg("--version").output().ok()?;
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    told.split_whitespace().nth(1)?.parse().ok()
}

#[test]
fn systemd_itself_finds_the_units_well_shut_in() {
    // It reads units without a running systemd from 250 on.
    if systemd().is_none_or(|version| version < 250) {
        return;
    }
    for unit in ["doorward.service", "doorward-backup.service"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/systemd").join(unit);
        let mut command = Command::new("systemd-analyze");
        // Tenths: no more exposed than 2.0 of 10.
        command.args(["security", "--offline=true", "--threshold=20", "--no-pager"]).arg(&path);
        let judged = command.output().expect("run it");
        let said = String::from_utf8_lossy(&judged.stdout).into_owned();
        let problem = String::from_utf8_lossy(&judged.stderr).into_owned();
        assert!(judged.status.success(), "{unit}: {problem}\n{said}");
        assert!(said.contains("Overall exposure level"), "{unit}: {problem}\n{said}");
    }
}
