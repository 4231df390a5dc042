//! What control remembers about itself between starts: its epoch and the port of its link.

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

/// The epoch of this start: one more than the last one, kept in `directory`. Nodes refuse requests of an older epoch,
/// so that a process that was believed dead cannot give orders.
///
/// # Errors
/// The file cannot be read or written, or holds something else than a number.
pub fn next_control_epoch(directory: &Path) -> io::Result<u64> {
    let path = directory.join("control.epoch");
    let last = match fs::read_to_string(&path) {
        Ok(text) => text.trim().parse::<u64>().map_err(|_| {
            io::Error::new(io::ErrorKind::InvalidData, format!("{} does not hold a number", path.display()))
        })?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(error),
    };
    let epoch = last.saturating_add(1);
    replace(&path, &epoch.to_string())?;
    Ok(epoch)
}

/// The port that a wanted address without one (port 0) had at the last start.
pub fn remembered_port(directory: &Path) -> Option<u16> {
    fs::read_to_string(port_file(directory)).ok()?.trim().parse().ok()
}

/// Remembers the port, so that nodes which outlive control find the next one at the same place.
///
/// # Errors
/// The file cannot be written.
pub fn remember_port(directory: &Path, address: SocketAddr) -> io::Result<()> {
    replace(&port_file(directory), &address.port().to_string())
}

fn port_file(directory: &Path) -> PathBuf {
    directory.join("link.port")
}

/// Never leaves half a file behind.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let scratch = path.with_extension("new");
    fs::write(&scratch, text)?;
    fs::File::open(&scratch)?.sync_all()?;
    fs::rename(&scratch, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_start_has_a_higher_epoch() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(next_control_epoch(directory.path()).unwrap(), 1);
        assert_eq!(next_control_epoch(directory.path()).unwrap(), 2);
    }

    #[test]
    fn a_damaged_epoch_is_an_error_instead_of_a_step_back() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("control.epoch"), "x").unwrap();
        assert!(next_control_epoch(directory.path()).is_err());
    }
}
