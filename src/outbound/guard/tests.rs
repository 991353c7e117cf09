use super::*;

fn allowing(targets: &[&str]) -> OutboundSettings {
    let allow_private =
        targets.iter().map(|text| (*text).to_owned().try_into().expect(text)).collect();
    OutboundSettings { allow_private, ..OutboundSettings::default() }
}

/// Security catalogue row 51: every way to write a URL that leads inside.
const INSIDE: &[&str] = &[
    "https://127.0.0.1/x",
    "https://127.1/x",
    "https://127.0.1/x",
    "https://2130706433/x",
    "https://0x7f000001/x",
    "https://0x7f.0.0.1/x",
    "https://0177.0.0.1/x",
    "https://017700000001/x",
    "https://127.0.0.1./x",
    "https://%31%32%37.0.0.1/x",
    "https://0/x",
    "https://0.0.0.0/x",
    "https://00.00.00.00/x",
    "https://[::]/x",
    "https://[::1]/x",
    "https://[0:0:0:0:0:0:0:1]/x",
    "https://[::ffff:127.0.0.1]/x",
    "https://[::ffff:7f00:1]/x",
    "https://[::127.0.0.1]/x",
    "https://[64:ff9b::127.0.0.1]/x",
    "https://[2002:7f00:1::]/x",
    "https://[fe80::1]/x",
    "https://[fd00::1]/x",
    "https://[ff02::1]/x",
    "https://169.254.169.254/latest/meta-data/",
    "https://2852039166/latest/meta-data/",
    "https://[::ffff:169.254.169.254]/x",
    "https://10.0.0.1/x",
    "https://10.1/x",
    "https://172.16.0.1/x",
    "https://192.168.0.1/x",
    "https://100.64.0.1/x",
    "https://198.18.0.1/x",
    "https://255.255.255.255/x",
    "https://localhost/x",
    "https://LOCALHOST/x",
    "https://localhost./x",
    "https://localhost:8443/x",
    "https://a.localhost/x",
    "https://a.localhost./x",
    "https://local%68ost/x",
];

/// Row 51: what is no https URL to a web server.
const UNFIT: &[(&str, UrlProblem)] = &[
    ("http://rp.test/x", UrlProblem::NotHttps),
    ("file:///etc/passwd", UrlProblem::NotHttps),
    ("gopher://rp.test/x", UrlProblem::NotHttps),
    ("ftp://rp.test/x", UrlProblem::NotHttps),
    ("javascript:alert(1)", UrlProblem::NotHttps),
    ("data:application/json,{}", UrlProblem::NotHttps),
    ("https://rp.test:25/x", UrlProblem::Port),
    ("https://rp.test:22/x", UrlProblem::Port),
    ("https://rp.test:80/x", UrlProblem::Port),
    ("https://rp.test:1024/x", UrlProblem::Port),
    ("https://rp.test:0/x", UrlProblem::Port),
    ("https://user@rp.test/x", UrlProblem::UserInfo),
    ("https://user:pw@rp.test/x", UrlProblem::UserInfo),
    ("https://@rp.test/x", UrlProblem::UserInfo),
    ("https://:@rp.test/x", UrlProblem::NotAbsolute),
    ("https://rp.test@127.0.0.1/x", UrlProblem::UserInfo),
    ("https:rp.test/x", UrlProblem::NotAbsolute),
    ("https:/rp.test/x", UrlProblem::NotAbsolute),
    ("https:///rp.test/x", UrlProblem::NotAbsolute),
    ("//rp.test/x", UrlProblem::NotAbsolute),
    ("/x", UrlProblem::NotAbsolute),
    ("", UrlProblem::NotAbsolute),
    ("https://", UrlProblem::NotAbsolute),
    ("https://./x", UrlProblem::NotAbsolute),
    ("https://rp.test:99999/x", UrlProblem::NotAbsolute),
    ("https://rp.test\\@evil.test/x", UrlProblem::Characters),
    ("https:\\\\rp.test\\x", UrlProblem::Characters),
    (" https://rp.test/x", UrlProblem::Characters),
    ("https://rp.test/x\n", UrlProblem::Characters),
    ("ht\ttps://rp.test/x", UrlProblem::Characters),
    ("https://rp.test/\0", UrlProblem::Characters),
    ("https://１２７.0.0.1/x", UrlProblem::Characters),
    ("https://rp。test/x", UrlProblem::Characters),
];

#[test]
fn urls_that_lead_inside_are_refused_in_every_notation() {
    for text in INSIDE {
        let outcome = vet_url(text, &OutboundSettings::default());
        assert_eq!(outcome, Err(UrlProblem::PrivateAddress), "{text}");
    }
}

#[test]
fn what_is_no_https_url_to_a_web_server_is_refused_with_its_reason() {
    for (text, problem) in UNFIT {
        assert_eq!(vet_url(text, &OutboundSettings::default()), Err(*problem), "{text}");
    }
    let long = format!("https://rp.test/{}", "x".repeat(2000));
    assert_eq!(vet_url(&long, &OutboundSettings::default()), Err(UrlProblem::TooLong));
}

#[test]
fn ordinary_urls_pass() {
    for text in [
        "https://rp.test",
        "https://rp.test/jwks.json",
        "https://rp.test:8443/jwks?x=1#part",
        "https://rp.test:443/",
        "https://xn--bcher-kva.example/keys",
        "https://8.8.8.8/keys",
        "https://[2606:4700::1111]/keys",
        "https://localhost.example/",
        "https://127.0.0.1.example/",
    ] {
        assert!(vet_url(text, &OutboundSettings::default()).is_ok(), "{text}");
    }
}

#[test]
fn a_listed_place_is_allowed_and_no_other() {
    let cases: &[(&str, &[&str], &[&str])] = &[
        (
            "10.0.0.0/8",
            &["https://10.1.2.3/", "https://10.1.2.3:8443/", "https://[::ffff:10.0.0.1]/"],
            &["https://10.1.2.3:25/", "https://192.168.0.1/", "https://localhost/"],
        ),
        (
            "10.0.0.7:25",
            &["https://10.0.0.7:25/"],
            &["https://10.0.0.7/", "https://10.0.0.7:26/", "https://10.0.0.8:25/"],
        ),
        (
            "keys.corp:81",
            &["https://keys.corp:81/", "https://KEYS.corp.:81/"],
            &["https://keys.corp:82/", "https://x.keys.corp:81/"],
        ),
        (
            "localhost",
            &["https://localhost/", "https://localhost.:9443/"],
            &["https://127.0.0.1/", "https://localhost:25/", "https://a.localhost/"],
        ),
        ("127.0.0.0/8", &["https://127.0.0.1/", "https://localhost/"], &["https://[::1]/"]),
        ("::1", &["https://[::1]/", "https://localhost/"], &["https://127.0.0.1/"]),
    ];
    for (target, good, bad) in cases {
        let settings = allowing(&[target]);
        for text in *good {
            assert!(vet_url(text, &settings).is_ok(), "{target} allows {text}");
        }
        for text in *bad {
            assert!(vet_url(text, &settings).is_err(), "{target} does not allow {text}");
        }
    }
}

#[test]
fn only_a_listed_host_is_reached_wherever_its_name_leads() {
    let settings = allowing(&["keys.corp:8443", "all.corp", "10.0.0.0/8"]);
    let reach = |text: &str| vet(text, &settings).map(|(_, reach)| reach);
    assert_eq!(reach("https://keys.corp:8443/"), Ok(Reach::Listed));
    assert_eq!(reach("https://keys.corp/"), Ok(Reach::Vetted));
    assert_eq!(reach("https://all.corp:9000/"), Ok(Reach::Listed));
    assert_eq!(reach("https://10.0.0.1/"), Ok(Reach::Vetted));
    assert!(may_connect([10, 0, 0, 1].into(), &settings));
    assert!(!may_connect([127, 0, 0, 1].into(), &settings));
}

proptest::proptest! {
    #[test]
    fn no_notation_of_an_inside_address_passes(
        bits in proptest::sample::select(vec![0x7f00_0001_u32, 0x0a00_0001, 0xc0a8_0101, 0xa9fe_a9fe]),
        notation in 0..6_u8,
        path in "[a-z/?#]{0,10}",
    ) {
        let [a, b, c, d] = bits.to_be_bytes();
        let host = match notation {
            0 => format!("{a}.{b}.{c}.{d}"),
            1 => bits.to_string(),
            2 => format!("{bits:#x}"),
            3 => format!("0{a:o}.0{b:o}.0{c:o}.0{d:o}"),
            4 => format!("{a}.{}", bits & 0x00ff_ffff),
            _ => format!("[::ffff:{a}.{b}.{c}.{d}]"),
        };
        let text = format!("https://{host}/{path}");
        proptest::prop_assert!(vet_url(&text, &OutboundSettings::default()).is_err(), "{}", text);
    }

    #[test]
    fn vetting_never_panics_and_what_passes_passes_again(text in "(https?:/{0,3})?\\PC{0,60}") {
        let settings = OutboundSettings::default();
        if let Ok(url) = vet_url(&text, &settings) {
            proptest::prop_assert_eq!(vet_url(url.as_str(), &settings), Ok(url.clone()));
            proptest::prop_assert_eq!(url.scheme(), "https");
        }
    }
}
