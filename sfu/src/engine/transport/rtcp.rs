//! Compound RTCP packets in and out: reports, NACK, PLI and FIR, REMB, transport-wide feedback.
