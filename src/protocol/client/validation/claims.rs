//! The claims of an app's own.

use super::{MetadataProblem, Problems};
use crate::protocol::claim_mapping;
use crate::protocol::client::ClientMetadata;

pub(super) fn mappings(metadata: &ClientMetadata, problems: &mut Problems) {
    let field = "claim_mappings";
    let wrong = claim_mapping::check(&metadata.claim_mappings).into_iter();
    problems.extend(wrong.map(|problem| match problem.claim {
        Some(claim) => MetadataProblem::of(field, &claim, problem.text),
        None => MetadataProblem::new(field, problem.text),
    }));
}
