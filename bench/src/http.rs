//! One HTTP request to a program on this machine: its metrics, whether it is ready.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

const PATIENCE: Duration = Duration::from_secs(5);

/// The body of a successful answer.
///
/// # Errors
/// Nobody there, no answer in time, or another status.
pub fn get(address: SocketAddr, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or(io::ErrorKind::InvalidData)?;
    let status = head.split(' ').nth(1).unwrap_or_default();
    if status != "200" {
        return Err(io::Error::other(format!("{path}: status {status}")));
    }
    Ok(body.to_owned())
}

/// The sum over all series of a metric; chunk sizes of the transfer are no such line.
pub fn metric(page: &str, name: &str) -> f64 {
    let of_it = |line: &&str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']));
    page.lines().filter(of_it).filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_of_one_metric_are_summed_and_others_are_not() {
        let page =
            "# HELP a_total things\na_total{worker=\"0\"} 2\na_total{worker=\"1\"} 3\na_total_more 9\nb 1\n";
        assert_eq!((metric(page, "a_total"), metric(page, "b"), metric(page, "c")), (5.0, 1.0, 0.0));
    }
}
