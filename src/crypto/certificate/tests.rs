//! Certificates are made by another library than the one that reads them.

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName as Subject, DnType, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, SanType, date_time_ymd,
};

use super::*;

const NOW: UnixTime = UnixTime(1_800_000_000);

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

fn authority() -> Authority {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let key = KeyPair::generate().unwrap();
    let pem = params.self_signed(&key).unwrap().pem();
    Authority { issuer: Issuer::new(params, key), pem }
}

fn params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = Subject::new();
    params.distinguished_name.push(DnType::CountryName, "DE");
    params.distinguished_name.push(DnType::OrganizationName, "Example, Ltd");
    params.distinguished_name.push(DnType::CommonName, "app");
    params.subject_alt_names = vec![
        SanType::DnsName("app.example".try_into().unwrap()),
        SanType::URI("spiffe://example/app".try_into().unwrap()),
        SanType::Rfc822Name("app@example.com".try_into().unwrap()),
        SanType::IpAddress("192.0.2.7".parse().unwrap()),
        SanType::IpAddress("2001:db8::7".parse().unwrap()),
    ];
    params
}

fn self_signed(params: &CertificateParams, key: &KeyPair) -> Certificate {
    Certificate::new(params.self_signed(key).unwrap().der().to_vec(), Vec::new()).unwrap()
}

fn certificate() -> Certificate {
    self_signed(&params(), &KeyPair::generate().unwrap())
}

#[test]
fn names_and_validity_are_read() {
    let certificate = certificate();
    let names = certificate.names().unwrap();
    assert_eq!(Some(names.subject), DistinguishedName::parse(r"CN=app,O=Example\, Ltd,C=DE"));
    assert_eq!(names.dns, ["app.example"]);
    assert_eq!(names.uris, ["spiffe://example/app"]);
    assert_eq!(names.emails, ["app@example.com"]);
    assert_eq!(names.addresses.len(), 2);
    assert_eq!(certificate.thumbprint().len(), 43);
    let mut short = params();
    (short.not_before, short.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
    let short = self_signed(&short, &KeyPair::generate().unwrap());
    assert!(certificate.is_valid_at(NOW) && !short.is_valid_at(NOW));
    assert!(short.is_valid_at(UnixTime(1_600_000_000)) && !short.is_valid_at(UnixTime(1)));
}

#[test]
fn only_the_configured_authority_vouches_and_only_in_time() {
    let (ours, other) = (authority(), authority());
    let key = KeyPair::generate().unwrap();
    let signed = |by: &Authority, params: CertificateParams| {
        let der = params.signed_by(&key, &by.issuer).unwrap().der().to_vec();
        Certificate::new(der, Vec::new()).unwrap()
    };
    let authorities = ClientAuthorities::from_pem(ours.pem.as_bytes()).unwrap();
    assert!(authorities.vouch_for(&signed(&ours, params()), NOW));
    assert!(!authorities.vouch_for(&signed(&other, params()), NOW));
    assert!(!authorities.vouch_for(&self_signed(&params(), &key), NOW));
    let mut short = params();
    short.not_after = date_time_ymd(2021, 1, 1);
    assert!(!authorities.vouch_for(&signed(&ours, short), NOW));
    for bad in ["", "junk", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        assert!(ClientAuthorities::from_pem(bad.as_bytes()).is_err(), "{bad}");
    }
}

#[test]
fn an_intermediate_authority_is_sent_along() {
    let root = authority();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "intermediate");
    let key = KeyPair::generate().unwrap();
    let intermediate = params.signed_by(&key, &root.issuer).unwrap().der().to_vec();
    let issuer = Issuer::new(params, key);
    let leaf = self::params().signed_by(&KeyPair::generate().unwrap(), &issuer).unwrap();
    let authorities = ClientAuthorities::from_pem(root.pem.as_bytes()).unwrap();
    let with = Certificate::new(leaf.der().to_vec(), vec![intermediate]).unwrap();
    let without = Certificate::new(leaf.der().to_vec(), Vec::new()).unwrap();
    assert!(authorities.vouch_for(&with, NOW) && !authorities.vouch_for(&without, NOW));
}

#[test]
fn a_certificate_is_found_in_a_key_set_by_itself_its_thumbprint_or_its_key() {
    for algorithm in
        [&rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_ECDSA_P384_SHA384, &rcgen::PKCS_ED25519]
    {
        let key = KeyPair::generate_for(algorithm).unwrap();
        let (own, stranger) = (self_signed(&params(), &key), certificate());
        let mut later = params();
        later.not_after = date_time_ymd(2090, 1, 1);
        let renewed = self_signed(&later, &key);
        let members = key_members(parse(own.der()).unwrap().public_key()).unwrap();
        let by_key: Value = members.into_iter().map(|(n, v)| (n.to_owned(), v)).collect();
        let set = |key: Value| json!({ "keys": [{ "kty": "oct" }, key] });
        assert!(own.is_among(&set(by_key.clone())) && renewed.is_among(&set(by_key.clone())));
        assert!(!stranger.is_among(&set(by_key.clone())));
        for (kind, good) in [(json!("sig"), true), (json!("enc"), false), (json!(7), false)] {
            let mut used = by_key.clone();
            used["use"] = kind;
            assert_eq!(own.is_among(&set(used)), good);
        }
        let mut by_value = by_key.clone();
        by_value["x5c"] = json!([BASE64.encode(own.der())]);
        let mut by_thumbprint = by_key;
        by_thumbprint["x5t#S256"] = json!(own.thumbprint());
        for narrow in [by_value, by_thumbprint] {
            assert!(own.is_among(&set(narrow.clone())));
            assert!(!renewed.is_among(&set(narrow)), "another certificate for the same key");
        }
        for bad in [json!({}), json!({ "keys": 7 }), json!({ "keys": [7, null, { "x5c": [] }] })] {
            assert!(!own.is_among(&bad), "{bad}");
        }
    }
}

#[test]
fn an_rsa_key_has_the_members_of_its_jwk() {
    use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
    use aws_lc_rs::rsa::KeySize;
    use aws_lc_rs::signature::{KeyPair as _, RsaKeyPair};
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
    let key = KeyPair::try_from(der.as_ref()).unwrap();
    let certificate = self_signed(&params(), &key);
    let modulus = pair.public_key().modulus().big_endian_without_leading_zero().to_vec();
    let jwk = json!({ "kty": "RSA", "n": BASE64URL_NOPAD.encode(&modulus), "e": "AQAB" });
    assert!(certificate.is_among(&json!({ "keys": [jwk] })));
}

#[test]
fn a_header_is_read_in_the_three_ways_proxies_write_it() {
    let certificate = certificate();
    let base64 = BASE64.encode(certificate.der());
    let pem = rcgen_pem(&base64);
    let escaped = pem.replace('\n', "%0A").replace(' ', "%20").replace('+', "%2B");
    for value in [
        format!(":{base64}:"),
        base64.clone(),
        format!("{base64},{base64}"),
        escaped.clone(),
        pem.replace('\n', "%0a").replace(' ', "%20"),
    ] {
        let value = value.replace("-----BEGIN%20", "-----BEGIN ");
        assert_eq!(from_header(&value).as_ref(), Ok(&certificate), "{value}");
    }
    assert_eq!(from_header(&escaped), Ok(certificate.clone()));
    for bad in [
        "",
        ":",
        "::",
        ":AAAA:",
        "AAAA",
        "(null)",
        "none",
        "-----BEGIN",
        "%",
        ":%%:",
        &format!(":{base64}"),
        &format!("{base64}AAAA"),
        &base64[4..],
        &escaped[..300],
    ] {
        assert_eq!(from_header(bad), Err(NoCertificate), "{bad}");
    }
}

fn rcgen_pem(base64: &str) -> String {
    let lines: Vec<_> =
        base64.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

#[test]
fn what_is_no_certificate_is_refused() {
    let good = certificate().der().to_vec();
    let longer = [good.clone(), vec![0]].concat();
    let cut = good[..good.len() - 1].to_vec();
    for bad in [Vec::new(), vec![0; 100], longer, cut, vec![0x30; LARGEST + 1]] {
        assert_eq!(Certificate::new(bad, Vec::new()), Err(NoCertificate));
    }
    assert!(Certificate::new(good.clone(), vec![Vec::new(); LONGEST_CHAIN + 1]).is_err());
}
