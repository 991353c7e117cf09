//! The place of an address, by a database file in the MaxMind format (`.mmdb`), which the operator
//! supplies. Without one no place is known, and nothing is ever asked over the network.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;

use maxminddb::Reader;
use serde::Deserialize;

use crate::protocol::risk::Place as Point;

/// The most characters of a place.
const LONGEST: usize = 80;

/// The configured database, read once at start.
#[derive(Debug, Default)]
pub struct Places(Option<Reader<Vec<u8>>>);

/// The part of a record that databases of cities and of countries share.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Record {
    city: Named,
    country: Named,
    location: Location,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Location {
    /// In degrees.
    latitude: Option<f64>,
    longitude: Option<f64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Named {
    /// By language.
    names: BTreeMap<String, String>,
    /// Two letters of ISO 3166-1; countries have them.
    iso_code: Option<String>,
}

impl Named {
    fn english(self) -> Option<String> {
        let mut names = self.names;
        names.remove("en").filter(|name| !name.is_empty())
    }
}

impl Places {
    /// Reads the file, if there is one.
    ///
    /// # Errors
    /// A line for the operator.
    pub fn read(path: Option<&Path>) -> Result<Self, String> {
        let Some(path) = path else { return Ok(Self(None)) };
        let shown = path.display();
        let bytes = std::fs::read(path)
            .map_err(|fault| format!("the file {shown} could not be read: {fault}"))?;
        let reader = Reader::from_source(bytes)
            .map_err(|_| format!("the file {shown} is not a database in the MaxMind format"))?;
        let places = Self(Some(reader));
        places.try_out().map_err(|fault| format!("the file {shown} is damaged: {fault}"))?;
        Ok(places)
    }

    /// Asks about an address of each kind, so that a file that cannot answer is found at start.
    fn try_out(&self) -> Result<(), String> {
        for address in
            [IpAddr::from([192, 0, 2, 1]), IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1])]
        {
            self.record(address)?;
        }
        Ok(())
    }

    /// A place such as `Lisbon, Portugal`, or the country alone; empty when it is not known.
    #[must_use]
    pub fn of(&self, address: &str) -> String {
        let Ok(address) = address.parse::<IpAddr>() else { return String::new() };
        match self.record(address.to_canonical()) {
            Ok(Some(record)) => {
                let names = [record.city.english(), record.country.english()];
                let place = names.into_iter().flatten().collect::<Vec<_>>().join(", ");
                place.chars().take(LONGEST).collect()
            }
            Ok(None) => String::new(),
            Err(fault) => {
                tracing::warn!(fault, "the place of an address could not be read");
                String::new()
            }
        }
    }

    /// Whether there is a database.
    #[must_use]
    pub fn are_known(&self) -> bool {
        self.0.is_some()
    }

    /// Where on the earth an address is, as far as the database says so.
    #[must_use]
    pub fn point(&self, address: &str) -> Option<Point> {
        let address = address.parse::<IpAddr>().ok()?;
        let location = self.record(address.to_canonical()).ok()??.location;
        let (latitude, longitude) = location.latitude.zip(location.longitude)?;
        Some(Point { latitude, longitude })
    }

    /// The country of an address by its two letters (ISO 3166-1 alpha-2); `None` when it is not known.
    #[must_use]
    pub fn country(&self, address: &str) -> Option<String> {
        let address = address.parse::<IpAddr>().ok()?;
        let code = self.record(address.to_canonical()).ok()??.country.iso_code?;
        let is_code = code.len() == 2 && code.bytes().all(|letter| letter.is_ascii_uppercase());
        is_code.then_some(code)
    }

    fn record(&self, address: IpAddr) -> Result<Option<Record>, String> {
        let Some(reader) = &self.0 else { return Ok(None) };
        // A database of the older addresses only knows nothing of the others.
        if address.is_ipv6() && reader.metadata().ip_version == 4 {
            return Ok(None);
        }
        let found = reader.lookup(address).map_err(|fault| fault.to_string())?;
        found.decode::<Record>().map_err(|fault| fault.to_string())
    }
}
