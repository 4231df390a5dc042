//! The report as people read it on a terminal.

use super::{Join, Light, Plane, Report, Server, Spread, Thread};
use std::fmt;

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.count == 0 {
            return write!(f, "nothing to measure");
        }
        write!(f, "p50 {:.2} ms  p99 {:.2} ms  max {:.2} ms", self.p50_ms, self.p99_ms, self.max_ms)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.head(f)?;
        if self.media.producers > 0 {
            self.packets(f)?;
        }
        self.times(f)?;
        if self.media.producers > 0 {
            self.way(f)?;
        }
        self.cost(f)?;
        self.verdict(f)
    }
}

impl Report {
    fn head(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let media = &self.media;
        writeln!(
            f,
            "{:<14} {} {}, {} bots, {:.1} s, {} producers",
            self.scenario, self.load, self.load_unit, self.bots, self.seconds, media.producers
        )?;
        if media.subscriptions + media.subscriptions_expected == 0 {
            return Ok(());
        }
        writeln!(
            f,
            "subscriptions  {} of {}, silent {}",
            media.subscriptions, media.subscriptions_expected, media.silent
        )
    }

    fn packets(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let media = &self.media;
        if let Some(light) = &self.light {
            writeln!(f, "light          {light}")?;
        }
        writeln!(
            f,
            "packets        sent {}  expected {}  received {}  left out {}",
            media.sent, media.expected, media.received, media.left_out
        )?;
        writeln!(
            f,
            "faults         lost {}  duplicated {}  reordered {}  foreign {}  damaged {}",
            media.lost, media.duplicated, media.reordered, media.foreign, media.damaged
        )?;
        writeln!(
            f,
            "continuity     timestamp breaks {}  picture id breaks {}  starts without keyframe {}",
            media.time_breaks, media.picture_breaks, media.unclean_starts
        )?;
        write!(f, "layers         switches {}  unclean {}", media.layer_switches, media.unclean_switches)?;
        for share in self.layers.iter().filter(|_| self.layers.len() > 1) {
            write!(
                f,
                "  layer {}: {:.0} % of time, {:.0} % of packets",
                share.layer,
                share.share_of_time * 100.0,
                share.share_of_packets * 100.0
            )?;
        }
        writeln!(f)
    }

    fn times(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Join { entered, first_media, first_video } = &self.join;
        let all = [
            ("delay", &self.media.delay),
            ("join, set up", entered),
            ("join to media", first_media),
            ("join to video", first_video),
        ];
        for (name, spread) in all.into_iter().filter(|(_, spread)| spread.count > 0) {
            writeln!(f, "{name:<14} {spread}")?;
        }
        let Some(chat) = &self.chat else { return Ok(()) };
        writeln!(
            f,
            "chat           sent {}  heard {} of {}, {:.0} a second",
            chat.sent, chat.heard, chat.expected, chat.heard_per_s
        )?;
        writeln!(f, "chat fan-out   {}", chat.fan_out)
    }

    fn way(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let transport = &self.transport;
        writeln!(
            f,
            "feedback       NACKs sent {} received {}  PLIs sent {} received {}",
            transport.nacks_sent, transport.nacks_received, transport.plis_sent, transport.plis_received
        )?;
        writeln!(
            f,
            "datagrams      sent {} ({} bytes)  received {} ({} bytes)",
            transport.datagrams_sent,
            transport.bytes_sent,
            transport.datagrams_received,
            transport.bytes_received
        )?;
        writeln!(
            f,
            "on the way     wire duplicates {}  emulated losses {}  drops at the bots' own sockets {}",
            transport.wire_duplicates, transport.emulated_losses, transport.socket_drops
        )
    }

    fn cost(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(server) = &self.server {
            self.server_cost(server, f)?;
        }
        let own = &self.generator;
        if let Some(share) = own.light_share {
            writeln!(f, "light CPU      {:.0} % of a core, of the bots' own", share * 100.0)?;
        }
        writeln!(
            f,
            "bots' own CPU  {:.2} s ({:.0} % of a core), {:.2} us per received packet; machine {:.0} % busy, sending late p99 {:.2} ms",
            own.cpu_seconds,
            own.cpu_share * 100.0,
            own.cpu_us_per_received,
            own.machine_busy * 100.0,
            own.late_p99_ms
        )
    }

    /// The planes, and below the media plane its threads.
    fn server_cost(&self, server: &Server, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = server.cpu_share * 100.0;
        write!(f, "server CPU     {:.2} s ({share:.0} % of a core)", server.cpu_seconds)?;
        if server.forwarded > 0 {
            let Server { cpu_us_per_forwarded, forwarded, forwarded_per_s, .. } = server;
            let rate = format!("{forwarded} packets, {forwarded_per_s:.0} a second");
            write!(f, ", {cpu_us_per_forwarded:.2} us per forwarded packet ({rate})")?;
        }
        if let Some(chat) = self.chat.as_ref().filter(|chat| chat.heard > 0) {
            write!(f, ", {:.1} us per message heard", server.cpu_seconds * 1e6 / chat.heard as f64)?;
        }
        writeln!(f)?;
        if let Some(sfu) = server.sfu {
            writeln!(f, "  sfu          {sfu}")?;
        }
        for thread in &server.threads {
            writeln!(f, "    {:<10} {thread}", thread.name)?;
        }
        if let Some(control) = server.control {
            writeln!(f, "  control      {control}")?;
        }
        Ok(())
    }

    fn verdict(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for words in &self.generator.no_proof {
            writeln!(f, "no proof       {words}")?;
        }
        for judged in &self.thresholds {
            let verdict = if judged.held { "holds " } else { "BROKEN" };
            writeln!(f, "threshold      {verdict} {}", judged.words())?;
        }
        for problem in &self.problems {
            writeln!(f, "problem        {problem}")?;
        }
        if self.problems_unlisted > 0 {
            writeln!(f, "problem        and {} more", self.problems_unlisted)?;
        }
        write!(f, "result         {}", if self.is_good() { "good" } else { "BAD" })
    }
}

impl fmt::Display for Light {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} bots counted {} packets of {} subscriptions; 1 in {} opened: {}, not authentic {}, no bot's {}, another's {}",
            self.bots,
            self.received,
            self.subscriptions,
            self.sample,
            self.opened,
            self.unauthentic,
            self.strange,
            self.foreign
        )
    }
}

impl fmt::Display for Plane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kernel = self.kernel_share * 100.0;
        if self.packets_per_busy_core > 0.0 {
            write!(
                f,
                "{:.2} us per packet ({kernel:.0} % in the kernel), {:.0} packets per second of a core, ",
                self.cpu_us_per_forwarded, self.packets_per_busy_core
            )?;
        } else {
            write!(f, "{:.3} s ({kernel:.0} % of it in the kernel), ", self.cpu_seconds)?;
        }
        write!(
            f,
            "memory {:.1} MB ({:.1} empty, {:.0} kB per person)",
            self.memory_max_mb, self.memory_empty_mb, self.memory_kb_per_person
        )
    }
}

impl fmt::Display for Thread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cpu_seconds, cpu_share, kernel_share, counters, packets_per_busy_core, .. } = self;
        write!(
            f,
            "{cpu_seconds:.3} s ({:.0} % of a core, {:.0} % of it in the kernel)",
            cpu_share * 100.0,
            kernel_share * 100.0
        )?;
        if let Some(packets) = packets_per_busy_core.filter(|packets| *packets > 0.0) {
            write!(f, ", {packets:.0} packets per second of a core")?;
        }
        let Some(counters) = counters else { return Ok(()) };
        write!(f, ", sent {}", counters.sent)?;
        let relay = [("to", counters.relayed), ("from", counters.relayed_received)];
        for (way, packets) in relay.into_iter().filter(|(_, packets)| *packets > 0) {
            write!(f, ", {packets} {way} other workers")?;
        }
        let drops = [("rings to other workers", counters.ring_drops), ("the kernel", counters.kernel_drops)];
        for (place, packets) in drops.into_iter().filter(|(_, packets)| *packets > 0) {
            write!(f, ", DROPPED by {place} {packets}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{exposition::WorkerCounters, report::Chat};

    #[test]
    fn a_chat_says_nothing_of_packets_and_what_a_message_costs() {
        let chat = Chat { sent: 2, expected: 4, heard: 4, ..Chat::default() };
        let control = Some(Plane { cpu_seconds: 0.001, ..Plane::default() });
        let server = Some(Server { cpu_seconds: 0.001, control, ..Server::default() });
        let words = Report { chat: Some(chat), server, ..Report::default() }.to_string();
        assert!(words.contains("heard 4 of 4") && words.contains("250.0 us per message heard"), "{words}");
        for absent in ["lost", "join to video", "forwarded packet", "packets per second", "datagrams"] {
            assert!(!words.contains(absent), "{absent}: {words}");
        }
    }

    #[test]
    fn a_worker_says_what_it_cost_and_only_what_happened() {
        let thread = Thread { cpu_seconds: 0.5, cpu_share: 0.25, kernel_share: 0.6, ..Thread::default() };
        assert_eq!(thread.to_string(), "0.500 s (25 % of a core, 60 % of it in the kernel)");
        let counters = WorkerCounters { sent: 100, relayed: 3, ring_drops: 2, ..WorkerCounters::default() };
        let worker = Thread { counters: Some(counters), packets_per_busy_core: Some(200.0), ..thread };
        let words = ", 200 packets per second of a core, sent 100, 3 to other workers, DROPPED by rings to other workers 2";
        assert!(worker.to_string().ends_with(words), "{worker}");
    }
}
