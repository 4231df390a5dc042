//! Every scenario against the real programs, small and short. They need them built: `cargo build --workspace`.

mod bare_node;
mod command_line;
mod product;
mod support;
