//! Assurance levels: how sure the provider is that it is this person (`acr`, OpenID Connect Core
//! sections 2, 3.1.2.1 and 5.5.1.1; Unmet Authentication Requirements 1.0).
//!
//! The levels are ordered, so that a stronger sign-in satisfies a client that would do with less.

use crate::protocol::authorize::claims_request::ClaimsRequest;

/// The levels, weakest first. The names are those of NIST SP 800-63.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Level {
    /// One factor: a password.
    #[default]
    Aal1,
    /// Two factors, or one that has both in it.
    Aal2,
}

impl Level {
    pub const ALL: [Self; 2] = [Self::Aal1, Self::Aal2];

    /// The strongest level anybody can reach here; what discovery announces goes up to it.
    pub const STRONGEST: Self = Self::Aal1;

    /// The `acr` value.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aal1 => "aal1",
            Self::Aal2 => "aal2",
        }
    }

    /// The level with this `acr` value, compared exactly.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == name)
    }

    /// The `acr` values that can be reached here.
    #[must_use]
    pub fn supported() -> Vec<&'static str> {
        Self::ALL.into_iter().filter(|l| *l <= Self::STRONGEST).map(Self::as_str).collect()
    }
}

/// Whether a sign-in that falls short is of any use to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Strictness {
    /// Best effort: the client looks at the `acr` it gets.
    #[default]
    Voluntary,
    /// No answer rather than a weaker one.
    Essential,
}

/// What the client asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AcrDemand {
    pub strictness: Strictness,
    /// The levels among those asked for that are known here, in the order of preference.
    pub levels: Vec<Level>,
    /// Whether values were named at all, known or not.
    pub named: bool,
}

/// How a sign-in stands to a demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Met,
    /// Falls short, and the person could do more.
    StepUp(Level),
    /// Falls short for good.
    Unmet,
}

impl AcrDemand {
    /// Reads the demand: the `acr` claim of the ID token if it names values or is essential, else
    /// `acr_values`, else the client's `default_acr_values` (Core section 5.5.1.1; Registration
    /// section 2).
    #[must_use]
    pub fn new(claims: &ClaimsRequest, acr_values: Option<&str>, default: &[String]) -> Self {
        if let Some(demand) = claims.id_token.get("acr") {
            let values: Vec<&str> = demand.wanted().map(|v| v.as_str().unwrap_or("")).collect();
            if demand.essential || !values.is_empty() {
                let strictness =
                    if demand.essential { Strictness::Essential } else { Strictness::Voluntary };
                return Self::of(strictness, values);
            }
        }
        match acr_values {
            Some(values) => {
                Self::of(Strictness::Voluntary, values.split(' ').filter(|v| !v.is_empty()))
            }
            None => Self::of(Strictness::Voluntary, default.iter().map(String::as_str)),
        }
    }

    fn of<'a>(strictness: Strictness, values: impl IntoIterator<Item = &'a str>) -> Self {
        let mut demand = Self { strictness, ..Self::default() };
        for value in values {
            demand.named = true;
            demand.levels.extend(Level::from_name(value));
        }
        demand
    }

    /// How a sign-in of level `held` stands, of somebody who could reach `reachable`.
    #[must_use]
    pub fn judge(&self, held: Level, reachable: Level) -> Standing {
        // An essential demand is met by any of its levels, so the weakest is the least to ask of the
        // person; a wish lists them in order of preference, and the first within reach is tried.
        let wanted = match self.strictness {
            Strictness::Essential => self.levels.iter().min().copied(),
            Strictness::Voluntary => self.levels.iter().find(|l| **l <= reachable).copied(),
        };
        match (wanted, self.strictness) {
            (Some(level), _) if level <= held => Standing::Met,
            (Some(level), _) if level <= reachable => Standing::StepUp(level),
            (Some(_), _) => Standing::Unmet,
            (None, Strictness::Essential) if self.named => Standing::Unmet,
            (None, _) => Standing::Met,
        }
    }

    /// The `acr` to tell the client. One that insists on certain values must find one of them in the
    /// ID token, even if the sign-in was stronger still.
    #[must_use]
    pub fn reported(&self, held: Level) -> Level {
        match self.strictness {
            Strictness::Voluntary => held,
            Strictness::Essential => {
                let met = self.levels.iter().filter(|level| **level <= held);
                met.max().copied().unwrap_or(held)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn demand(claims: &str, acr_values: Option<&str>) -> AcrDemand {
        AcrDemand::new(&ClaimsRequest::parse(claims).unwrap(), acr_values, &["aal2".to_owned()])
    }

    #[test]
    fn the_claim_comes_before_acr_values_and_those_before_the_default() {
        let claim = r#"{"id_token":{"acr":{"essential":true,"value":"aal1"}}}"#;
        let strict = demand(claim, Some("aal2"));
        assert_eq!((strict.strictness, strict.levels), (Strictness::Essential, vec![Level::Aal1]));
        assert_eq!(demand("{}", Some("1 aal1 2")).levels, [Level::Aal1]);
        assert_eq!(demand("{}", None).levels, [Level::Aal2]);
        assert_eq!(demand(r#"{"id_token":{"acr":null}}"#, Some("aal1")).levels, [Level::Aal1]);
    }

    #[test]
    fn a_voluntary_demand_is_best_effort_and_an_essential_one_is_not() {
        let wish = demand("{}", Some("aal2"));
        assert_eq!(wish.judge(Level::Aal1, Level::Aal1), Standing::Met);
        assert_eq!(wish.judge(Level::Aal1, Level::Aal2), Standing::StepUp(Level::Aal2));
        let either = demand("{}", Some("aal1 aal2"));
        assert_eq!(either.judge(Level::Aal1, Level::Aal2), Standing::Met);
        let must = demand(r#"{"id_token":{"acr":{"essential":true,"values":["aal2"]}}}"#, None);
        assert_eq!(must.judge(Level::Aal1, Level::Aal1), Standing::Unmet);
        assert_eq!(must.judge(Level::Aal1, Level::Aal2), Standing::StepUp(Level::Aal2));
        assert_eq!(must.judge(Level::Aal2, Level::Aal2), Standing::Met);
    }

    #[test]
    fn unknown_values_are_ignored_unless_they_are_all_that_will_do() {
        assert_eq!(demand("{}", Some("1 2")).judge(Level::Aal1, Level::Aal2), Standing::Met);
        for bad in [r#""values":["urn:x"]"#, r#""value":7"#] {
            let claim = format!(r#"{{"id_token":{{"acr":{{"essential":true,{bad}}}}}}}"#);
            assert_eq!(
                demand(&claim, None).judge(Level::Aal2, Level::Aal2),
                Standing::Unmet,
                "{bad}"
            );
        }
        let any = demand(r#"{"id_token":{"acr":{"essential":true}}}"#, None);
        assert_eq!(any.judge(Level::Aal1, Level::Aal1), Standing::Met);
    }

    #[test]
    fn a_stronger_sign_in_is_told_as_the_value_that_was_insisted_on() {
        let must = demand(r#"{"id_token":{"acr":{"essential":true,"value":"aal1"}}}"#, None);
        assert_eq!(must.judge(Level::Aal2, Level::Aal2), Standing::Met);
        assert_eq!(must.reported(Level::Aal2), Level::Aal1);
        assert_eq!(demand("{}", Some("aal1")).reported(Level::Aal2), Level::Aal2);
    }
}
