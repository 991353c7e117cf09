//! The closed section of a person's form with what else apps are told of them.

use crate::http::pages::sample::words;
use crate::http::pages::views::FieldError;
use crate::protocol::profile_texts::{ProfileText, TEXTS};
use crate::protocol::user::Profile;

/// The `name` of the box that says whether a phone number is theirs.
pub const PHONE_VERIFIED: &str = "phone_number_verified";

/// What a form has that has the section, beside its fields.
pub const HAS_PROFILE: &str = "has_profile";

/// What the section holds: a field for each text, named like the claim, and the box [`PHONE_VERIFIED`] (`on`).
#[derive(Debug, Clone)]
pub struct ProfileForm {
    pub fields: Vec<ProfileField>,
    pub phone_number_verified: bool,
}

/// One text, and what stands in its field.
#[derive(Debug, Clone)]
pub struct ProfileField {
    pub text: &'static ProfileText,
    pub value: String,
}

impl Default for ProfileForm {
    fn default() -> Self {
        Self::of(&Profile::default())
    }
}

impl ProfileForm {
    /// What is stored.
    #[must_use]
    pub fn of(profile: &Profile) -> Self {
        Self::read(
            |text| text.of(profile).unwrap_or_default().to_owned(),
            profile.phone_number_verified == Some(true),
        )
    }

    /// With the value of each field from `value`.
    #[must_use]
    pub fn read(
        value: impl Fn(&'static ProfileText) -> String,
        phone_number_verified: bool,
    ) -> Self {
        let fields = TEXTS.iter().map(|text| ProfileField { text, value: value(text) });
        Self { fields: fields.collect(), phone_number_verified }
    }

    /// The profile that it is about, where `stored` is what is there. However a browser ends lines, what nobody has
    /// edited stays as it is.
    #[must_use]
    pub fn to_profile(&self, stored: &Profile) -> Profile {
        let mut profile = Profile::default();
        for ProfileField { text, value } in &self.fields {
            let kept = text.of(stored).filter(|kept| kept.lines().eq(value.lines()));
            let value = kept.map_or_else(|| value.replace("\r\n", "\n"), str::to_owned);
            if !value.is_empty() {
                text.put(&mut profile, value);
            }
        }
        // Nobody has said either way as long as the box was never on.
        profile.phone_number_verified = match stored.phone_number_verified {
            None => self.phone_number_verified.then_some(true),
            Some(_) => Some(self.phone_number_verified),
        };
        profile
    }

    /// Whether the section is to be seen, for something in it is wrong.
    #[must_use]
    pub fn is_open(&self, errors: &[FieldError]) -> bool {
        let is_here = |name: &str| {
            name == PHONE_VERIFIED || self.fields.iter().any(|field| field.name() == name)
        };
        errors.iter().any(|error| is_here(error.field))
    }

    /// Whether there is anything in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.iter().all(|field| field.value.is_empty())
    }

    pub(super) fn sample() -> Self {
        let text = |text: &str| Some(words(text));
        Self::of(&Profile {
            given_name: text("Grace"),
            nickname: text("Amazing Grace"),
            phone_number: text("+1 703 555 0100"),
            zoneinfo: text("America/New_York"),
            phone_number_verified: Some(true),
            ..Profile::default()
        })
    }
}

impl ProfileField {
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.text.name()
    }

    /// What stands between the label and the field.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self.name() {
            "phone_number" => "With the code of the country, such as +44 20 7946 0000.",
            "birthdate" => "Such as 2001-02-03.",
            "zoneinfo" => "Such as Europe/Paris.",
            "locale" => "Such as en-GB.",
            "formatted" => "As on a letter, for apps that do not put the parts together.",
            _ => "",
        }
    }

    /// Whether its field has several lines.
    #[must_use]
    pub fn is_long(&self) -> bool {
        matches!(self.name(), "street_address" | "formatted") || self.value.contains('\n')
    }

    /// Whether it is what [`PHONE_VERIFIED`] is about.
    #[must_use]
    pub fn is_phone_number(&self) -> bool {
        self.name() == "phone_number"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::user::Address;

    #[test]
    fn what_nobody_edits_stays_as_it_is() {
        let formatted = Some("1 Long Lane\nLondon\r\nUK".to_owned());
        let address = Some(Address { formatted, ..Address::default() });
        let stored = Profile {
            nickname: Some("al".into()),
            phone_number_verified: Some(false),
            address,
            ..Profile::default()
        };
        let sent = |value: &str| value.replace("\r\n", "\n").replace('\n', "\r\n");
        let form = ProfileForm::of(&stored);
        let typed = ProfileForm::read(|text| sent(text.of(&stored).unwrap_or_default()), false);
        for form in [form, typed] {
            assert_eq!(form.to_profile(&stored), stored);
        }
        let none = ProfileForm::default();
        assert!(none.is_empty());
        assert_eq!(none.to_profile(&Profile::default()), Profile::default());
    }

    #[test]
    fn it_is_open_where_something_in_it_is_wrong() {
        let form = ProfileForm::default();
        let at = |field| form.is_open(&[FieldError { field, text: String::new() }]);
        assert!(at("nickname") && at("country") && at(PHONE_VERIFIED));
        assert!(!at("email") && !form.is_open(&[]));
    }
}
