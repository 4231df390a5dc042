//! What the fuzz targets run. The functions are in [`targets`], which the tests of `plenum-sfu` include as well.

pub mod targets;
