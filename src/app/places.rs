//! Where addresses are on the map, if anybody knows.

use crate::protocol::risk::Place;

/// A map of the internet, such as a GeoIP file.
pub trait Places: Send + Sync {
    /// Where this address is; `None` when it is not on the map, or is no address.
    fn place_of(&self, address: &str) -> Option<Place>;
}
