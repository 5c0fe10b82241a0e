import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'

/** Which end of a channel proves itself. Part of what is proven, so that a proof cannot be sent back to whom it came from. */
export type HandshakeRole = 'dialer' | 'acceptor'

const KEY_BYTES = 32

/**
 * The key that TLS agrees on a connection with, made of the shared secret and the ensemble's name: members of two ensembles that were
 * given the same secret cannot connect either.
 */
export function tlsKey(secret: string, ensembleName: string): Buffer {
  return derive(secret, `tls ${ensembleName}`)
}

/** The key of {@link proofOf}; another one than TLS's, so that neither says anything about the other. */
export function proofKey(secret: string, ensembleName: string): Buffer {
  return derive(secret, `proof ${ensembleName}`)
}

/** Proves knowledge of the key for one handshake only: both hellos, and so the chance of both sides, are what is signed. */
export function proofOf(key: Uint8Array, role: HandshakeRole, dialerHello: Uint8Array, acceptorHello: Uint8Array): Uint8Array {
  const lengths = Buffer.alloc(8)
  lengths.writeUInt32BE(dialerHello.length, 0)
  lengths.writeUInt32BE(acceptorHello.length, 4)
  const hmac = createHmac('sha256', key).update(role).update(lengths).update(dialerHello).update(acceptorHello)
  return new Uint8Array(hmac.digest())
}

/** Compares in a time that does not depend on where the two differ. */
export function isSameProof(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}

function derive(secret: string, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, 'embedded-zookeeper', purpose, KEY_BYTES))
}
