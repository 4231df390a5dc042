use proptest::prelude::*;

use super::cipher::Cipher;
use super::derive::{Label, counter_key, derive, keystream_xor};
use super::replay::ReplayWindow;
use super::*;
use crate::engine::packet::{HeaderFields, HeaderPrefix, write_header};

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

const PROFILES: [Profile; 3] = [Profile::AeadAes128Gcm, Profile::AeadAes256Gcm, Profile::Aes128CmSha1_80];

#[test]
fn rfc_3711_b2_keystream() {
    let key = counter_key(&hex("2B7E151628AED2A6ABF7158809CF4F3C")).unwrap();
    let iv: [u8; 16] = hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000").try_into().unwrap();
    let mut stream = vec![0; 0xFF02 * 16];
    keystream_xor(&key, iv, &mut stream).unwrap();
    let start =
        "E03EAD0935C95E80E166B16DD92B4EB4 D23513162B02D0F72A43A2FE4A5F97AB 41E95B3BB0A2E8DD477901E4FCA894C0";
    assert_eq!(stream[..48], hex(start));
    let end =
        "EC8CDF7398607CB0F2D21675EA9EA1E4 362B7C3C6773516318A077D7FC5073AE 6A2CC3787889374FBEB4C81B17BA6C44";
    assert_eq!(stream[0xFEFF * 16..], hex(end));
}

#[test]
fn rfc_3711_b3_key_derivation() {
    let key = hex("E1F97A0D3E018BE0D64FA32C06DE4139");
    let salt = hex("0EC675AD498AFEEBB6960B3AABE6");
    let derived = |label, len| {
        let mut out = vec![0xFF; len];
        derive(&key, &salt, label, &mut out).unwrap();
        out
    };
    assert_eq!(derived(Label::RtpEncryption, 16), hex("C61E7A93744F39EE10734AFE3FF7A087"));
    assert_eq!(derived(Label::RtpSalt, 14), hex("30CBBC08863D8C85D49DB34A9AE1"));
    let authentication = "CEBE321F6FF7716B6FD4AB49AF256A15 6D38BAA48F0A0ACF3C34E2359E6CDBCE
        E049646C43D9327AD175578EF7227098 6371C10C9A369AC2F94A8C5FBCDDDC25
        6D6E919A48B610EF17C2041E47403576 6B68642C59BBFC2F34DB60DBDFB2";
    assert_eq!(derived(Label::RtpAuthentication, 94), hex(authentication));
}

#[test]
fn rfc_7714_16_rtp_packets_seal_and_open() {
    let header = "8040f17b 8041f8d3 5501a0b2";
    let text = "47616c6c 69612065 7374206f 6d6e6973 20646976 69736120 696e2070 61727465 73207472 6573";
    let sealed_128 = "f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f 42a5f47a 51c7d19b 36de3adf
        8833899d 7f27beb1 6a9152cf 765ee439 0cce";
    let sealed_256 = "32b1de78 a822fe12 ef9f78fa 332e33aa b1801238 9a58e2f3 b50b2a02 76ffae0f 1ba63799
        b87b7aa3 db36dfff d6b0f9bb 7878d7a7 6c13";
    for (key_len, sealed) in [(16, sealed_128), (32, sealed_256)] {
        let cipher = Cipher::gcm(&(0..key_len).collect::<Vec<u8>>(), *b"Quid pro quo").unwrap();
        let plain = hex(&format!("{header}{text}"));
        let sealed = hex(&format!("{header}{sealed}"));
        let mut buf = plain.clone();
        buf.resize(plain.len() + RTP_OVERHEAD_MAX, 0);
        assert_eq!(cipher.seal_rtp(&mut buf, plain.len(), 12, 0x5501_A0B2, 0xF17B), Ok(sealed.len()));
        assert_eq!(buf, sealed);
        assert_eq!(cipher.open_rtp(&mut buf, 12, 0x5501_A0B2, 0xF17B), Ok(plain.len()));
        assert_eq!(buf[..plain.len()], plain);
    }
}

#[test]
fn rfc_7714_17_rtcp_packets_seal_and_open() {
    let plain = hex("81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61
        deadbeef deadbeef deadbeef deadbeef deadbeef");
    let sealed_128 = hex("81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d
        c676a5f1 730d6fda 4ce09b46 86303ded 0bb9275b c84aa458 96cf4d2f c5abf872 45d9eade 800005d4");
    let sealed_256 = hex("81c8000d 4d617273 d50ae4d1 f5ce5d30 4ba297e4 7d470c28 2c3ece5d bffe0a50
        a2eaa5c1 110555be 8415f658 c61de047 6f1b6fad 1d1eb30c 4446839f 57ff6f6c b26ac3be 800005d4");
    for (key_len, sealed) in [(16, sealed_128), (32, sealed_256)] {
        let cipher = Cipher::gcm(&(0..key_len).collect::<Vec<u8>>(), *b"Quid pro quo").unwrap();
        let mut buf = plain.clone();
        buf.resize(plain.len() + RTCP_OVERHEAD_MAX, 0);
        assert_eq!(cipher.seal_rtcp(&mut buf, plain.len(), 0x4D61_7273, 0x5D4), Ok(sealed.len()));
        assert_eq!(buf, sealed);
        assert_eq!(cipher.read_rtcp_index(&buf), Ok((0x4D61_7273, 0x5D4)));
        assert_eq!(cipher.open_rtcp(&mut buf, 0x4D61_7273, 0x5D4), Ok(plain.len()));
        assert_eq!(buf[..plain.len()], plain);
    }
}

/// The packet of libsrtp's own self-test, which every SRTP implementation repeats.
#[test]
fn aes_cm_sha1_80_packet_seals_and_opens() {
    let key = hex("e1f97a0d3e018be0d64fa32c06de4139");
    let salt = hex("0ec675ad498afeebb6960b3aabe6");
    let cipher = Cipher::for_rtp(Profile::Aes128CmSha1_80, &key, &salt).unwrap();
    let plain = hex("800f1234 decafbad cafebabe abababab abababab abababab abababab");
    let sealed = hex("800f1234 decafbad cafebabe 4e55dc4c e79978d8 8ca4d215 949d2402 b78d6acc 99ea179b 8dbb");
    let mut buf = plain.clone();
    buf.resize(sealed.len(), 0);
    assert_eq!(cipher.seal_rtp(&mut buf, plain.len(), 12, 0xCAFE_BABE, 0x1234), Ok(sealed.len()));
    assert_eq!(buf, sealed);
    assert_eq!(cipher.open_rtp(&mut buf, 12, 0xCAFE_BABE, 0x1234), Ok(plain.len()));
    assert_eq!(buf[..plain.len()], plain);
}

/// A sender and the receiver of what it seals.
fn pair(profile: Profile) -> (SrtpOutbound, SrtpInbound) {
    let material: Vec<u8> = (0..profile.keying_material_len() as u8).collect();
    let (_, outbound) = from_keying_material(profile, &material, true).unwrap();
    let (inbound, _) = from_keying_material(profile, &material, false).unwrap();
    (outbound, inbound)
}

fn rtp(ssrc: u32, sequence_number: u16, payload: &[u8]) -> Vec<u8> {
    let fields = HeaderFields { marker: false, payload_type: 100, sequence_number, timestamp: 1, ssrc };
    let mut buf = vec![0; 64 + payload.len()];
    let len = write_header(&mut buf, fields, [(1, &b"a"[..])].into_iter()).unwrap();
    buf.truncate(len);
    buf.extend_from_slice(payload);
    buf
}

fn sealed(outbound: &mut SrtpOutbound, plain: &[u8]) -> Result<Vec<u8>, SrtpError> {
    let mut buf = plain.to_vec();
    buf.resize(plain.len() + RTP_OVERHEAD_MAX, 0);
    let len = outbound.seal_rtp(&mut buf, plain.len())?;
    buf.truncate(len);
    Ok(buf)
}

fn opened(inbound: &mut SrtpInbound, sealed: &[u8]) -> Result<Vec<u8>, SrtpError> {
    let mut buf = sealed.to_vec();
    let prefix = HeaderPrefix::parse(&buf).unwrap();
    let len = inbound.open_rtp(&mut buf, prefix)?;
    buf.truncate(len);
    Ok(buf)
}

#[test]
fn a_packet_is_opened_once() {
    for profile in PROFILES {
        let (mut out, mut inn) = pair(profile);
        let plain = rtp(1, 10, b"payload");
        let packet = sealed(&mut out, &plain).unwrap();
        assert_eq!(opened(&mut inn, &packet), Ok(plain));
        assert_eq!(opened(&mut inn, &packet), Err(SrtpError::Replayed));
    }
}

#[test]
fn a_packet_number_is_sealed_once() {
    let (mut out, _) = pair(Profile::AeadAes128Gcm);
    sealed(&mut out, &rtp(1, 10, b"one")).unwrap();
    assert_eq!(sealed(&mut out, &rtp(1, 10, b"two")), Err(SrtpError::NumberUsed));
    sealed(&mut out, &rtp(2, 10, b"another stream")).unwrap();
}

#[test]
fn a_changed_bit_anywhere_is_not_authentic() {
    for profile in PROFILES {
        let (mut out, _) = pair(profile);
        let packet = sealed(&mut out, &rtp(1, 10, b"payload")).unwrap();
        for bit in 0..packet.len() * 8 {
            let mut forged = packet.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            let Ok(prefix) = HeaderPrefix::parse(&forged) else { continue };
            let (_, mut inn) = pair(profile);
            assert!(inn.open_rtp(&mut forged, prefix).is_err(), "bit {bit} of {profile:?}");
        }
    }
}

#[test]
fn forged_packets_of_any_ssrc_leave_no_state() {
    let (_, mut inn) = pair(Profile::AeadAes128Gcm);
    for ssrc in 0..10_000 {
        assert!(opened(&mut inn, &[rtp(ssrc, 1, b"forged"), vec![0; 16]].concat()).is_err());
    }
    assert!(format!("{inn:?}").contains("rtp_streams: 0"));
    let (mut out, _) = pair(Profile::AeadAes128Gcm);
    assert!(opened(&mut inn, &sealed(&mut out, &rtp(7, 1, b"true")).unwrap()).is_ok());
    assert!(format!("{inn:?}").contains("rtp_streams: 1"));
}

#[test]
fn forged_numbers_do_not_move_the_rollover_counter() {
    let (mut out, mut inn) = pair(Profile::Aes128CmSha1_80);
    opened(&mut inn, &sealed(&mut out, &rtp(1, 10, b"true")).unwrap()).unwrap();
    for number in (0..60_000).step_by(1000) {
        assert!(opened(&mut inn, &[rtp(1, number, b"forged"), vec![0; 10]].concat()).is_err());
    }
    opened(&mut inn, &sealed(&mut out, &rtp(1, 11, b"true")).unwrap()).unwrap();
}

#[test]
fn only_the_stream_silent_for_longest_is_forgotten_when_the_peer_has_too_many() {
    let (mut out, mut inn) = pair(Profile::AeadAes128Gcm);
    let wrapped = [65_534, 65_535, 0, 1];
    for number in wrapped {
        opened(&mut inn, &sealed(&mut out, &rtp(5, number, b"long-lived")).unwrap()).unwrap();
    }
    for ssrc in 100..600 {
        opened(&mut inn, &sealed(&mut out, &rtp(ssrc, 1, b"short-lived")).unwrap()).unwrap();
        out.retire(ssrc);
        let number = (ssrc - 98) as u16;
        opened(&mut inn, &sealed(&mut out, &rtp(5, number, b"long-lived")).unwrap()).unwrap();
    }
}

#[test]
fn rtcp_goes_through_and_is_not_replayed() {
    for profile in PROFILES {
        let (mut out, mut inn) = pair(profile);
        let mut packets = Vec::new();
        for _ in 0..200 {
            let mut buf = hex("80c90001 00000007");
            buf.resize(8 + RTCP_OVERHEAD_MAX, 0);
            let len = out.seal_rtcp(&mut buf, 8).unwrap();
            buf.truncate(len);
            packets.push(buf);
        }
        for packet in packets.iter().rev() {
            let opened = inn.open_rtcp(&mut packet.clone());
            let age = packets.len() - 1 - packets.iter().position(|p| p == packet).unwrap();
            assert_eq!(opened, if age < 128 { Ok(8) } else { Err(SrtpError::Replayed) }, "{profile:?}");
        }
        assert_eq!(inn.open_rtcp(&mut packets[150].clone()), Err(SrtpError::Replayed));
        let mut short = packets[0].clone();
        short.truncate(20);
        assert!(inn.open_rtcp(&mut short).is_err());
    }
}

#[test]
fn keying_material_of_a_wrong_length_is_refused() {
    for profile in PROFILES {
        for len in [0, profile.keying_material_len() - 1, profile.keying_material_len() + 1] {
            assert!(from_keying_material(profile, &vec![0; len], false).is_err());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Loss, duplication and reordering below the window, across wraps: everything that arrives first opens, nothing twice.
    #[test]
    fn a_stream_survives_loss_reordering_and_wraps(
        profile in prop::sample::select(&PROFILES[..]),
        start: u16,
        steps in prop::collection::vec((1u64..20_000, 0usize..40, any::<bool>()), 1..60),
    ) {
        let (mut out, mut inn) = pair(profile);
        // RFC 3711 asks senders to begin below 2^15, so that no loss at the start hides a wrap.
        let mut index = u64::from(start & 0x7FFF);
        let mut in_flight = Vec::new();
        for (gap, at, twice) in steps {
            let packet = sealed(&mut out, &rtp(9, index as u16, &index.to_be_bytes())).unwrap();
            let at = in_flight.len() - at.min(in_flight.len());
            // Overtaking by more than the window in numbers is loss.
            let overtaken: &[(u64, Vec<u8>, bool)] = &in_flight[at..];
            if overtaken.iter().all(|(other, _, _)| index - other < 128) {
                in_flight.insert(at, (index, packet, twice));
            } else {
                in_flight.push((index, packet, twice));
            }
            index += if gap > 10_000 { gap } else { gap % 8 + 1 };
        }
        for (index, packet, twice) in in_flight {
            let plain = opened(&mut inn, &packet);
            prop_assert_eq!(plain, Ok(rtp(9, index as u16, &index.to_be_bytes())));
            if twice {
                prop_assert_eq!(opened(&mut inn, &packet), Err(SrtpError::Replayed));
            }
        }
    }

    /// Against a plain set of everything seen.
    #[test]
    fn the_replay_window_agrees_with_a_set(indices in prop::collection::vec(0u64..400, 1..300)) {
        let mut window = ReplayWindow::starting_at(indices[0]);
        let mut seen = std::collections::HashSet::from([indices[0]]);
        let mut highest = indices[0];
        for &index in &indices[1..] {
            let fresh = !seen.contains(&index) && highest.saturating_sub(index) < 128;
            prop_assert_eq!(window.is_fresh(index), fresh);
            if fresh {
                window.insert(index);
                seen.insert(index);
                highest = highest.max(index);
            }
        }
    }

    #[test]
    fn the_index_guessed_is_the_nearest(highest in 0u64..1 << 40, offset in -30_000i64..30_000) {
        let window = ReplayWindow::starting_at(highest);
        let Some(index) = highest.checked_add_signed(offset) else { return Ok(()) };
        prop_assert_eq!(window.index_of(index as u16), Some(index));
    }

    #[test]
    fn what_is_sealed_on_its_way_is_what_is_sealed_in_place(
        payload in prop::collection::vec(any::<u8>(), 0..1300),
        numbers in prop::collection::vec((0_u32..6, any::<u16>()), 1..20),
        room in 0_usize..RTP_OVERHEAD_MAX + 2,
    ) {
        for profile in PROFILES {
            let ((mut in_place, _), (mut on_the_way, _)) = (pair(profile), pair(profile));
            for &(ssrc, number) in &numbers {
                let plain = rtp(ssrc, number, &payload);
                let prefix = HeaderPrefix::parse(&plain).unwrap();
                let mut buf = plain[..prefix.header_len].to_vec();
                buf.resize(plain.len() + RTP_OVERHEAD_MAX, 0xEE);
                let len = on_the_way.seal_rtp_from(&mut buf, prefix, &payload);
                prop_assert_eq!(len.map(|len| buf[..len].to_vec()), sealed(&mut in_place, &plain));
            }
            let plain = rtp(99, 1, &payload);
            let prefix = HeaderPrefix::parse(&plain).unwrap();
            let mut buf = plain.clone();
            buf.resize(prefix.header_len + payload.len() + room, 0);
            let fits = on_the_way.seal_rtp_from(&mut buf, prefix, &payload).is_ok();
            let tag_len = if profile == Profile::Aes128CmSha1_80 { 10 } else { RTP_OVERHEAD_MAX };
            prop_assert_eq!(fits, room >= tag_len);
        }
    }

    #[test]
    fn any_bytes_are_refused_quietly(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for profile in PROFILES {
            let (mut out, mut inn) = pair(profile);
            let mut buf = bytes.clone();
            prop_assert!(inn.open_rtcp(&mut buf).is_err());
            if let Ok(prefix) = HeaderPrefix::parse(&bytes) {
                prop_assert!(inn.open_rtp(&mut bytes.clone(), prefix).is_err());
            }
            let mut buf = bytes.clone();
            buf.resize(bytes.len() + RTCP_OVERHEAD_MAX, 0);
            let _ = out.seal_rtp(&mut buf, bytes.len());
            let _ = out.seal_rtcp(&mut buf, bytes.len());
        }
    }
}
