//! Where pools come from. One file per source; all yield the same [`crate::model::PoolSpec`].

pub mod auto;
