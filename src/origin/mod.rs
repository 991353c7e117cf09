//! Where a visit comes from, in words that people recognise on the list of their sessions: the browser
//! and system by what the browser says of itself, and the place by its address.

pub mod device;
pub mod place;
