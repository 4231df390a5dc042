//! The files Janus is started with: what is installed, but for one plugin and one way to ask.

use crate::settings::Settings;
use std::{
    io,
    net::{Ipv4Addr, TcpListener},
    os::unix::fs::symlink,
    path::Path,
};

const PLUGIN: &str = "libjanus_videoroom.so";
const TRANSPORT: &str = "libjanus_websockets.so";

/// Writes them; returns the port on which it will be asked.
pub(super) fn write(directory: &Path, settings: &Settings, host: Ipv4Addr) -> io::Result<u16> {
    let modules = &settings.janus_modules;
    for (kind, module) in [("plugins", Some(PLUGIN)), ("transports", Some(TRANSPORT)), ("none", None)] {
        let folder = directory.join(kind);
        std::fs::create_dir(&folder)?;
        if let Some(module) = module {
            symlink(modules.join(kind).join(module), folder.join(module))?;
        }
    }
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    std::fs::write(directory.join("janus.jcfg"), general(directory, settings.janus_loops, host))?;
    std::fs::write(directory.join("janus.plugin.videoroom.jcfg"), "general: {}\n")?;
    std::fs::write(directory.join("janus.transport.websockets.jcfg"), websockets(port))?;
    Ok(port)
}

fn general(directory: &Path, event_loops: usize, host: Ipv4Addr) -> String {
    let folder = directory.display();
    let loops = if event_loops == 0 { String::new() } else { format!("\tevent_loops = {event_loops}\n") };
    format!(
        "general: {{\n\
         \tconfigs_folder = \"{folder}\"\n\
         \tplugins_folder = \"{folder}/plugins\"\n\
         \ttransports_folder = \"{folder}/transports\"\n\
         \tevents_folder = \"{folder}/none\"\n\
         \tloggers_folder = \"{folder}/none\"\n\
         \tdebug_level = 2\n\
         \tsession_timeout = 0\n\
         {loops}}}\n\
         media: {{\n}}\n\
         nat: {{\n\tice_lite = true\n\tice_enforce_list = \"{host}\"\n}}\n"
    )
}

fn websockets(port: u16) -> String {
    format!(
        "general: {{\n\tjson = \"compact\"\n\tws = true\n\tws_ip = \"127.0.0.1\"\n\tws_port = {port}\n\twss = false\n}}\n\
         admin: {{\n\tadmin_ws = false\n\tadmin_wss = false\n}}\n"
    )
}
