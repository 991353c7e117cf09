pub mod metrics;
pub mod request_id {
    pub fn accept_or_make(i: Option<&str>, f: impl FnOnce() -> String) -> String {
        i.map(str::to_owned).unwrap_or_else(f)
    }
}
