//! A tiny database of places in the MaxMind format, written byte by byte: everything below
//! `127.0.0.0/8` is in one town, `198.0.0.0/8` in another far away, and nothing else is known.
//!
//! The format is public (MaxMind DB File Format Specification 2.0): a binary tree over the bits of an
//! address, sixteen zero bytes, the records, and a map that says how to read them.

use crate::support::world::World;

/// Where this machine is.
pub const PLACE: &str = "Lisbon, Portugal";

/// The first bytes of the networks that are known.
const HERE: u8 = 127;
const FAR_AWAY: u8 = 198;
/// An address far away from this machine.
pub const FAR: &str = "198.51.100.7";

const MARKER: &[u8] = b"\xab\xcd\xefMaxMind.com";
/// Where a branch of the tree leads.
#[derive(Clone, Copy)]
enum Side {
    Nowhere,
    Node(usize),
    /// The place of a record, counted from the first.
    Record(usize),
}

/// The tree over the first bytes of addresses.
fn tree(networks: &[(u8, usize)]) -> Vec<[Side; 2]> {
    let mut nodes = vec![[Side::Nowhere; 2]];
    for (byte, record) in networks {
        let mut node = 0;
        for left in (0..8).rev() {
            let bit = usize::from(byte >> left & 1);
            if left == 0 {
                nodes[node][bit] = Side::Record(*record);
            } else if let Side::Node(next) = nodes[node][bit] {
                node = next;
            } else {
                let next = nodes.len();
                nodes[node][bit] = Side::Node(next);
                nodes.push([Side::Nowhere; 2]);
                node = next;
            }
        }
    }
    nodes
}

/// Gives a world that is not started yet the file.
pub fn known_to(world: &mut World) {
    let file = world.path("places.mmdb");
    std::fs::write(&file, database()).expect("write the places");
    world.set("DOORWARD_SESSION__GEOIP_FILE", &file.display().to_string());
}

/// The bytes of the file.
pub fn database() -> Vec<u8> {
    let here = record(("Lisbon", "Portugal", "PT"), (38.72, -9.14));
    let far = record(("Sydney", "Australia", "AU"), (-33.87, 151.21));
    let tree = tree(&[(HERE, 0), (FAR_AWAY, here.len())]);
    let count = tree.len();
    let mut file = Vec::new();
    for side in tree.iter().flatten() {
        // A pointer to a record, counted as the format wants it.
        let pointer = match side {
            Side::Nowhere => count,
            Side::Node(node) => *node,
            Side::Record(place) => count + 16 + place,
        };
        file.extend(&u32::try_from(pointer).expect("a few").to_be_bytes()[1..]);
    }
    let nodes = u32::try_from(count).expect("a few");
    file.extend([0; 16]);
    file.extend(here);
    file.extend(far);
    file.extend(MARKER);
    file.extend(map(&[
        ("binary_format_major_version", number(5, &2_u16.to_be_bytes())),
        ("binary_format_minor_version", number(5, &0_u16.to_be_bytes())),
        ("build_epoch", [&[8, 2][..], &1_763_700_000_u64.to_be_bytes()].concat()),
        ("database_type", text("Test-City")),
        ("description", map(&[("en", text("places of a test"))])),
        ("ip_version", number(5, &4_u16.to_be_bytes())),
        ("languages", [&[1, 4][..], &text("en")].concat()),
        ("node_count", number(6, &nodes.to_be_bytes())),
        ("record_size", number(5, &24_u16.to_be_bytes())),
    ]));
    file
}

fn record((city, country, code): (&str, &str, &str), (latitude, longitude): (f64, f64)) -> Vec<u8> {
    let location = [("latitude", double(latitude)), ("longitude", double(longitude))];
    let country = map(&[("iso_code", text(code)), ("names", names(country))]);
    map(&[
        ("city", map(&[("names", names(city))])),
        ("country", country),
        ("location", map(&location)),
    ])
}

fn double(value: f64) -> Vec<u8> {
    [&[(3 << 5) | 8][..], &value.to_be_bytes()].concat()
}

fn names(name: &str) -> Vec<u8> {
    map(&[("de", text("anders")), ("en", text(name))])
}

fn text(text: &str) -> Vec<u8> {
    assert!(text.len() < 29, "longer ones have another header");
    let header = (2 << 5) | u8::try_from(text.len()).expect("short");
    [&[header], text.as_bytes()].concat()
}

fn number(kind: u8, bytes: &[u8]) -> Vec<u8> {
    let header = (kind << 5) | u8::try_from(bytes.len()).expect("short");
    [&[header], bytes].concat()
}

fn map(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = vec![(7 << 5) | u8::try_from(members.len()).expect("short")];
    for (name, value) in members {
        bytes.extend(text(name));
        bytes.extend(value);
    }
    bytes
}
