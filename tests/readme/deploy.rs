//! What is in `deploy/` is held to the program and to the documents.

use std::path::Path;

use crate::documents::{Document, files};

const CHART: &str = "deploy/helm/doorward";

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
