//! The texts of a profile, each under one name: by it the REST API, the console, the audit log and whatever
//! is said of a mistake know it.

use super::user::Profile;

/// A claim of a profile that is text, or a part of the address.
#[derive(Debug, Clone, Copy)]
pub struct ProfileText {
    /// Where it stands in a person: `profile.nickname`, `profile.address.country`.
    pub path: &'static str,
    /// What people call it.
    pub label: &'static str,
    get: fn(&Profile) -> Option<&str>,
    put: fn(&mut Profile, String),
}

/// Where it stands in a person whether a phone number is theirs.
pub const PHONE_NUMBER_VERIFIED: &str = "profile.phone_number_verified";

macro_rules! claim {
    ($member:ident, $label:literal) => {
        ProfileText {
            path: concat!("profile.", stringify!($member)),
            label: $label,
            get: |profile| profile.$member.as_deref(),
            put: |profile, text| profile.$member = Some(text),
        }
    };
}

macro_rules! part_of_address {
    ($member:ident, $label:literal) => {
        ProfileText {
            path: concat!("profile.address.", stringify!($member)),
            label: $label,
            get: |profile| profile.address.as_ref()?.$member.as_deref(),
            put: |profile, text| {
                profile.address.get_or_insert_default().$member = Some(text);
            },
        }
    };
}

/// Every one, in the order in which people are asked for them.
pub static TEXTS: [ProfileText; 18] = [
    claim!(given_name, "Given name"),
    claim!(middle_name, "Middle name"),
    claim!(family_name, "Family name"),
    claim!(nickname, "Nickname"),
    claim!(phone_number, "Phone number"),
    claim!(website, "Website"),
    claim!(profile, "Profile page"),
    claim!(picture, "Picture"),
    claim!(gender, "Gender"),
    claim!(birthdate, "Birthdate"),
    claim!(zoneinfo, "Time zone"),
    claim!(locale, "Language"),
    part_of_address!(street_address, "Street address"),
    part_of_address!(postal_code, "Postal code"),
    part_of_address!(locality, "Town"),
    part_of_address!(region, "Region"),
    part_of_address!(country, "Country"),
    part_of_address!(formatted, "Whole address"),
];

impl ProfileText {
    /// What a profile says there.
    #[must_use]
    pub fn of<'a>(&self, profile: &'a Profile) -> Option<&'a str> {
        (self.get)(profile)
    }

    /// Says it there.
    pub fn put(&self, profile: &mut Profile, text: String) {
        (self.put)(profile, text);
    }

    /// The last part of its path, which no other one has.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.path.rsplit('.').next().unwrap_or(self.path)
    }

    /// Whether it may have several lines (OpenID Connect Core section 5.1.1).
    #[must_use]
    pub fn may_have_lines(&self) -> bool {
        self.path.starts_with("profile.address.")
    }
}

/// The paths of all that one profile says otherwise than the other.
#[must_use]
pub fn changed(before: &Profile, after: &Profile) -> Vec<&'static str> {
    let texts = TEXTS.iter().filter(|text| text.of(before) != text.of(after));
    let is_other = before.phone_number_verified != after.phone_number_verified;
    let paths = texts.map(|text| text.path);
    paths.chain(is_other.then_some(PHONE_NUMBER_VERIFIED)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use schemars::schema_for;
    use serde_json::{Value, json};

    use super::*;
    use crate::protocol::user::Address;

    /// The paths of the members of a schema, below this one.
    fn members(schema: &schemars::Schema, below: &str) -> BTreeSet<String> {
        let members = schema.get("properties").and_then(Value::as_object).unwrap();
        members.keys().map(|name| format!("{below}.{name}")).collect()
    }

    #[test]
    fn every_member_is_a_text_with_a_name_of_its_own_but_one() {
        let mut all = members(&schema_for!(Profile), "profile");
        all.extend(members(&schema_for!(Address), "profile.address"));
        all.remove("profile.address");
        assert!(all.remove(PHONE_NUMBER_VERIFIED));
        let paths: BTreeSet<_> = TEXTS.iter().map(|text| text.path.to_owned()).collect();
        assert_eq!(paths, all);
        let names: BTreeSet<_> = TEXTS.iter().map(ProfileText::name).collect();
        assert_eq!(names.len(), TEXTS.len());
    }

    #[test]
    fn each_stands_where_its_path_says() {
        for text in &TEXTS {
            let mut profile = Profile::default();
            text.put(&mut profile, "x".to_owned());
            assert_eq!(text.of(&profile), Some("x"));
            let pointer = text.path.strip_prefix("profile").unwrap().replace('.', "/");
            assert_eq!(json!(profile).pointer(&pointer), Some(&json!("x")), "{}", text.path);
            assert_eq!(changed(&Profile::default(), &profile), [text.path]);
        }
        let known = Profile { phone_number_verified: Some(true), ..Profile::default() };
        assert_eq!(changed(&known, &Profile::default()), [PHONE_NUMBER_VERIFIED]);
    }
}
