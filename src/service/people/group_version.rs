//! What a conditional change of a group was made from, to be looked at once more inside its transaction.

use crate::store::groups::{self, FoundGroup, Group, GroupMatch, Member};
use crate::store::{StoreError, Tx};

/// A group with those who are in it, as a directory has read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadGroup {
    pub group: FoundGroup,
    /// All of them, by username.
    pub members: Vec<Member>,
}

/// What a change of a group was made from.
#[derive(Debug, Clone, Copy)]
pub enum GroupVersion<'a> {
    /// What is shown of it by itself.
    Shown(&'a Group),
    /// What a directory reads of it.
    Read(&'a ReadGroup),
}

impl GroupVersion<'_> {
    /// What the group was called.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Shown(group) => &group.name,
            Self::Read(read) => &read.group.name,
        }
    }

    /// Whether the group is like this in the caller's transaction. It stays so while that goes on as far as it is
    /// changed by administrators: they hold all owners first.
    pub(super) async fn is_current(&self, tx: &mut Tx) -> Result<bool, StoreError> {
        match self {
            Self::Shown(group) => {
                let now = groups::by_name(&mut *tx, &group.name).await?;
                Ok(now.as_ref() == Some(*group))
            }
            Self::Read(read) => read.is_current(tx).await,
        }
    }
}

impl ReadGroup {
    async fn is_current(&self, tx: &mut Tx) -> Result<bool, StoreError> {
        let wanted = GroupMatch { id: Some(self.group.id.clone()), ..GroupMatch::default() };
        let (found, _) = groups::match_groups(&mut *tx, &wanted, (0, 1)).await?;
        if found.first() != Some(&self.group) {
            return Ok(false);
        }
        let limit = i64::try_from(self.members.len()).unwrap_or(i64::MAX).saturating_add(1);
        Ok(groups::members(&mut *tx, &self.group.name, limit).await? == self.members)
    }
}
