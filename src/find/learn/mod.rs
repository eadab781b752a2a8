//! Learns how keys are distributed over shards: tries the known rules on keys that are there.
pub mod fit;
pub mod moduli;
pub mod names;
pub mod sample;
pub mod series;
