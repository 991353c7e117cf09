use super::*;

fn forwarded<'a>(proto: &'a str, host: &'a str, uri: &'a str, method: &'a str) -> Told<'a> {
    Told {
        forwarded_proto: Said::Once(proto),
        forwarded_host: Said::Once(host),
        forwarded_uri: Said::Once(uri),
        forwarded_method: Said::Once(method),
        ..Told::default()
    }
}

fn original<'a>(url: &'a str, method: &'a str) -> Told<'a> {
    Told { original_url: Said::Once(url), original_method: Said::Once(method), ..Told::default() }
}

#[test]
fn both_kinds_of_headers_describe_the_same_request() {
    let one = Original::from_headers(&forwarded("https", "Wiki.Test:443", "/a?b=c", "GET"));
    let other = Original::from_headers(&original("https://wiki.test/a?b=c", "GET"));
    assert_eq!(one, other);
    let one = one.unwrap();
    assert_eq!((one.host.as_str(), one.target.as_str()), ("wiki.test", "/a?b=c"));
    assert_eq!(one.url(), "https://wiki.test/a?b=c");
    let socket = Original::from_headers(&forwarded("wss", "wiki.test:8443", "/", "GET")).unwrap();
    assert_eq!(socket.url(), "https://wiki.test:8443/");
}

#[test]
fn every_part_must_be_there_and_there_once() {
    let whole = forwarded("https", "wiki.test", "/", "GET");
    assert!(Original::from_headers(&whole).is_ok());
    let spoil: [fn(&mut Told<'_>, Said<'static>); 4] = [
        |told, said| told.forwarded_proto = said,
        |told, said| told.forwarded_host = said,
        |told, said| told.forwarded_uri = said,
        |told, said| told.forwarded_method = said,
    ];
    for part in spoil {
        for said in [Said::Nothing, Said::Once(""), Said::Unclear] {
            let mut told = whole;
            part(&mut told, said);
            assert!(Original::from_headers(&told).is_err(), "{told:?}");
        }
    }
    assert!(Original::from_headers(&Told::default()).is_err());
    for said in [Said::Nothing, Said::Unclear] {
        let told = Told { original_method: said, ..original("https://wiki.test/", "GET") };
        assert!(Original::from_headers(&told).is_err());
    }
    let doubled = Told { original_url: Said::Unclear, ..whole };
    assert!(Original::from_headers(&doubled).is_err(), "the other kind does not make up for it");
}

#[test]
fn two_descriptions_must_agree() {
    let url = original("https://wiki.test/a", "GET");
    for (proto, host, uri, method, agree) in [
        ("https", "WIKI.test:443", "/a", "GET", true),
        ("http", "wiki.test", "/a", "GET", false),
        ("https", "evil.test", "/a", "GET", false),
        ("https", "wiki.test", "/b", "GET", false),
        ("https", "wiki.test", "/a", "POST", false),
    ] {
        let Told { original_url, original_method, .. } = url;
        let told = Told { original_url, original_method, ..forwarded(proto, host, uri, method) };
        assert_eq!(Original::from_headers(&told).is_ok(), agree, "{told:?}");
    }
}

#[test]
fn lists_and_half_addresses_are_refused() {
    for (proto, host, uri, method) in [
        ("https, http", "wiki.test", "/", "GET"),
        ("HTTPS", "wiki.test", "/", "GET"),
        ("ftp", "wiki.test", "/", "GET"),
        ("https", "wiki.test, evil.test", "/", "GET"),
        ("https", "wiki.test/", "/", "GET"),
        ("https", "me@wiki.test", "/", "GET"),
        ("https", "wiki.test.", "/", "GET"),
        ("https", "wiki..test", "/", "GET"),
        ("https", "wiki.test:", "/", "GET"),
        ("https", "wiki.test:0x1", "/", "GET"),
        ("https", "wiki.test:99999", "/", "GET"),
        ("https", "wiki_test", "/", "GET"),
        ("https", "[::1", "/", "GET"),
        ("https", "[zz]", "/", "GET"),
        ("https", "wiki.test", "https://wiki.test/", "GET"),
        ("https", "wiki.test", "a", "GET"),
        ("https", "wiki.test", "/a/../b", "GET"),
        ("https", "wiki.test", "/", "get"),
        ("https", "wiki.test", "/", "GET POST"),
        ("https", "wiki.test", "/", "G\r\nX: 1"),
    ] {
        let told = forwarded(proto, host, uri, method);
        assert!(Original::from_headers(&told).is_err(), "{told:?}");
    }
    for url in [
        "https://wiki.test",
        "https://wiki.test?x",
        "//wiki.test/",
        "/x",
        "https:///x",
        "https://wiki.test\\/x",
        "https://me:pw@wiki.test/",
        "javascript://wiki.test/",
    ] {
        assert!(Original::from_headers(&original(url, "GET")).is_err(), "{url}");
    }
}

#[test]
fn plain_http_is_for_this_machine_alone() {
    for host in ["localhost:81", "127.0.0.1:9", "[::1]:9", "app.localhost"] {
        assert!(Original::from_headers(&forwarded("http", host, "/", "GET")).is_ok(), "{host}");
    }
    for host in ["wiki.test", "localhost.evil.test", "127.0.0.1.evil.test"] {
        let told = forwarded("http", host, "/", "GET");
        assert_eq!(Original::from_headers(&told), Err(Refusal::PlainHttp), "{host}");
    }
}
