//! The web client, built into the binary. Any path that is nothing else is the client's own (its router decides).

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use rust_embed::{EmbeddedFile, RustEmbed};

/// The files that `npm run build` left in `web/dist` when this binary was compiled; none, if nobody ran it.
#[derive(RustEmbed)]
#[folder = "../web/dist"]
#[allow_missing = true]
struct Client;

const INDEX: &str = "index.html";
/// File names in here carry a hash of their content, so a copy is good for ever.
const HASHED: &str = "assets/";

const NOT_BUILT: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>Plenum</title>\
    <body style=\"font:16px system-ui;max-width:40em;margin:4em auto;padding:0 1em\"><h1>Plenum is running</h1>\
    <p>The web client was not built when this server was compiled. Build both with</p><pre>make run</pre>\
    <p>or by hand: <code>cd web &amp;&amp; npm ci &amp;&amp; npm run build</code>, then compile the server again. \
    The API works meanwhile.</p>";

/// Answers a request for a page or one of its files.
pub fn serve(method: &Method, uri: &Uri, headers: &HeaderMap) -> Response {
    if method != Method::GET && method != Method::HEAD {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let path = uri.path().trim_start_matches('/');
    match Client::get(path).filter(|_| !path.is_empty()) {
        Some(file) => send(path, &file, headers),
        // A missing file is missing; a missing page is the client's to show.
        None if is_file(path) => StatusCode::NOT_FOUND.into_response(),
        None => match Client::get(INDEX) {
            Some(index) => send(INDEX, &index, headers),
            None => html(NOT_BUILT),
        },
    }
}

fn is_file(path: &str) -> bool {
    path.starts_with(HASHED) || path.rsplit('/').next().is_some_and(|name| name.contains('.'))
}

fn send(path: &str, file: &EmbeddedFile, headers: &HeaderMap) -> Response {
    let etag = etag(&file.metadata.sha256_hash());
    let cache = if path.starts_with(HASHED) { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut response = if headers.get(header::IF_NONE_MATCH).is_some_and(|known| matches(known, &etag)) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let mut response = Body::from(file.data.to_vec()).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(path)));
        response
    };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        response.headers_mut().insert(header::ETAG, etag);
    }
    response
}

/// Half of the hash is plenty to tell two builds apart.
fn etag(hash: &[u8; 32]) -> String {
    let hex: String = hash[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hex}\"")
}

fn matches(known: &HeaderValue, etag: &str) -> bool {
    let known = known.to_str().unwrap_or_default();
    known.split(',').map(|one| one.trim().trim_start_matches("W/")).any(|one| one == etag || one == "*")
}

fn html(text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")], text)
        .into_response()
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        "mp3" => "audio/mpeg",
        "ogg" => "audio/ogg",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(path: &str) -> Response {
        serve(&Method::GET, &path.parse().expect("a path"), &HeaderMap::new())
    }

    #[test]
    fn a_page_is_html_whether_or_not_the_client_was_built() {
        for path in ["/", "/meeting/01ARZ3NDEKTSV4RRFFQ69G5FAV"] {
            let response = get(path);
            assert_eq!(response.status(), StatusCode::OK, "{path}");
            assert_eq!(response.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8");
            assert_eq!(response.headers()[header::CACHE_CONTROL], "no-cache");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_not_the_page() {
        for path in ["/assets/gone", "/logo-that-never-was.png", "/../Cargo.toml"] {
            assert_eq!(get(path).status(), StatusCode::NOT_FOUND, "{path}");
        }
        assert_eq!(serve(&Method::POST, &Uri::from_static("/"), &HeaderMap::new()).status(), 405);
    }

    #[test]
    fn a_browser_that_has_the_file_is_told_to_use_it() {
        let file = EmbeddedFile {
            data: b"x".as_slice().into(),
            metadata: rust_embed::Metadata::__rust_embed_new([7; 32], None, None),
        };
        let mut headers = HeaderMap::new();
        let fresh = send("assets/a.js", &file, &headers);
        assert!(
            fresh.headers()[header::CACHE_CONTROL].to_str().is_ok_and(|cache| cache.contains("immutable"))
        );
        headers.insert(header::IF_NONE_MATCH, fresh.headers()[header::ETAG].clone());
        assert_eq!(send("assets/a.js", &file, &headers).status(), StatusCode::NOT_MODIFIED);
    }
}
