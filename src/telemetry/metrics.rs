use std::time::Duration;
pub struct Metrics;
impl Metrics {
    pub fn new() -> Self {
        Self
    }
    pub fn cache_request(&self, _: &'static str, _: &'static str) {}
    pub fn login_attempt(&self, _: &'static str, _: &'static str) {}
    pub fn authorize_request(&self, _: &'static str) {}
    pub fn token_request(&self, _: &'static str, _: &'static str) {}
    pub fn token_issued(&self, _: &'static str) {}
    pub fn sessions_active(&self, _: i64) {}
    pub fn password_hashed(&self, _: Duration) {}
    pub fn rate_limited(&self, _: &'static str) {}
    pub fn signing_key(&self, _: &str, _: &str, _: i64) {}
    pub fn http_request(&self, _: &str, _: (&str, u16), _: Duration) {}
    pub fn password_queue(&self, _: usize) {}
    pub fn encode(&self) -> String {
        String::new()
    }
}
