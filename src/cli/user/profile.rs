//! What else is known of a person, as flags.

use clap::Args;

use crate::protocol::profile_texts::TEXTS;
use crate::protocol::user::Profile;

/// The claims of a profile: those that are not named stay as they are, an empty one is taken away.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Profile")]
pub struct ProfileArgs {
    /// Given name
    #[arg(long, value_name = "TEXT")]
    given_name: Option<String>,
    /// Middle name
    #[arg(long, value_name = "TEXT")]
    middle_name: Option<String>,
    /// Family name
    #[arg(long, value_name = "TEXT")]
    family_name: Option<String>,
    /// What friends call them
    #[arg(long, value_name = "TEXT")]
    nickname: Option<String>,
    /// Phone number, with the code of the country
    #[arg(long, value_name = "TEXT")]
    phone_number: Option<String>,
    /// Whether the number is known to be theirs; one that is given without this is not
    #[arg(long, value_name = "true|false")]
    phone_number_verified: Option<bool>,
    /// Address of their own pages
    #[arg(long, value_name = "URL")]
    website: Option<String>,
    /// Address of a page about them
    #[arg(long, value_name = "URL")]
    profile: Option<String>,
    /// Address of a picture of them
    #[arg(long, value_name = "URL")]
    picture: Option<String>,
    /// Gender, in any words
    #[arg(long, value_name = "TEXT")]
    gender: Option<String>,
    /// Birthdate, such as 2001-02-03
    #[arg(long, value_name = "DATE")]
    birthdate: Option<String>,
    /// Time zone, such as Europe/Paris
    #[arg(long, value_name = "NAME")]
    zoneinfo: Option<String>,
    /// Language, such as en-GB
    #[arg(long, value_name = "TAG")]
    locale: Option<String>,
    /// Street and number
    #[arg(long, value_name = "TEXT")]
    street_address: Option<String>,
    /// Postal code
    #[arg(long, value_name = "TEXT")]
    postal_code: Option<String>,
    /// Town or city
    #[arg(long, value_name = "TEXT")]
    locality: Option<String>,
    /// State or province
    #[arg(long, value_name = "TEXT")]
    region: Option<String>,
    /// Country
    #[arg(long, value_name = "TEXT")]
    country: Option<String>,
    /// The whole address as on a letter
    #[arg(long, value_name = "TEXT")]
    address: Option<String>,
}

impl ProfileArgs {
    /// The flags in the order of [`TEXTS`].
    fn said(&self) -> [Option<&str>; TEXTS.len()] {
        [
            self.given_name.as_deref(),
            self.middle_name.as_deref(),
            self.family_name.as_deref(),
            self.nickname.as_deref(),
            self.phone_number.as_deref(),
            self.website.as_deref(),
            self.profile.as_deref(),
            self.picture.as_deref(),
            self.gender.as_deref(),
            self.birthdate.as_deref(),
            self.zoneinfo.as_deref(),
            self.locale.as_deref(),
            self.street_address.as_deref(),
            self.postal_code.as_deref(),
            self.locality.as_deref(),
            self.region.as_deref(),
            self.country.as_deref(),
            self.address.as_deref(),
        ]
    }

    /// Whether no flag was given.
    pub(super) fn is_empty(&self) -> bool {
        self.phone_number_verified.is_none() && self.said().iter().all(Option::is_none)
    }

    /// What becomes of a profile.
    pub(super) fn applied_to(&self, before: &Profile) -> Profile {
        let mut profile = before.clone();
        for (text, said) in TEXTS.iter().zip(self.said()) {
            if let Some(said) = said {
                text.put(&mut profile, said.to_owned());
            }
        }
        // That one number was theirs says nothing of another one.
        let kept = before.phone_number_verified;
        let kept = kept.filter(|_| profile.phone_number == before.phone_number);
        profile.phone_number_verified = self.phone_number_verified.or(kept);
        profile
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Alone {
        #[command(flatten)]
        profile: ProfileArgs,
    }

    fn parsed(arguments: &[&str]) -> ProfileArgs {
        let all = std::iter::once(&"doorward").chain(arguments);
        Alone::try_parse_from(all).unwrap().profile
    }

    #[test]
    fn each_flag_says_what_it_is_called_after() {
        for text in &TEXTS {
            let name = if text.name() == "formatted" { "address" } else { text.name() };
            let flag = format!("--{}", name.replace('_', "-"));
            let profile = parsed(&[&flag, "x"]).applied_to(&Profile::default());
            let mut only = Profile::default();
            text.put(&mut only, "x".to_owned());
            assert_eq!(profile, only, "{flag}");
        }
    }

    #[test]
    fn another_number_is_not_theirs_before_that_is_said() {
        let before = Profile {
            phone_number: Some("+1".into()),
            phone_number_verified: Some(true),
            ..Profile::default()
        };
        for (arguments, verified) in [
            (["--nickname", "al"].as_slice(), Some(true)),
            (&["--phone-number", "+1"], Some(true)),
            (&["--phone-number", "+2"], None),
            (&["--phone-number", "+2", "--phone-number-verified", "true"], Some(true)),
            (&["--phone-number-verified", "false"], Some(false)),
        ] {
            let after = parsed(arguments).applied_to(&before);
            assert_eq!(after.phone_number_verified, verified, "{arguments:?}");
        }
    }
}
