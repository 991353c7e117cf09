//! What may be replaced while the provider runs: read from the configuration at start, and again when
//! the operator asks for that (SIGHUP). It changes as a whole or not at all.

use super::BootError;
use crate::config::Config;
use crate::crypto::certificate::ClientAuthorities;
use crate::origin::place::Places;

/// Files of this moment.
pub struct Live {
    /// Who vouches for the certificates of clients, if anybody.
    pub client_authorities: Option<ClientAuthorities>,
    /// Where addresses are, if the operator has supplied that.
    pub places: Places,
}

impl Live {
    /// Reads the files that this configuration names.
    ///
    /// # Errors
    /// [`BootError::ClientAuthorities`] or [`BootError::Places`]: a line for the operator.
    pub fn read(config: &Config) -> Result<Self, BootError> {
        let authorities = config.server.client_ca_file.as_deref().map(ClientAuthorities::read);
        Ok(Self {
            client_authorities: authorities.transpose().map_err(BootError::ClientAuthorities)?,
            places: Places::read(config.session.geoip_file.as_deref())
                .map_err(BootError::Places)?,
        })
    }
}
