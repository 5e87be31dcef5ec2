/*
 * How much of a node the clients of WebSockets may use. A client chooses how much to ask and how slowly to read, so
 * both are bounded, for one socket, for one client address and for all sockets together:
 *
 *  - Sockets: so many of one client address and so many in all, from the upgrade to the end of the connection. A socket
 *    that brings no token ends after `anonymousMs`, unless the schema has a subscription for everybody.
 *  - Operations: at most `maxOperations` run for one socket; one more is answered with TOO_MANY_REQUESTS.
 *  - Received messages: a socket is not read while a message of it waits. The last chunk may have brought several: at
 *    most 64 KiB and `maxMessages`. A connection keeps that chunk, so its messages count until the connection is gone.
 *    Once the sockets of one client address hold `maxReceivedClientBytes`, none of that address is read; once all
 *    sockets together hold `maxReceivedBytes`, none at all.
 *  - Unsent bytes: above `congestedBytes` no message of the socket is processed. So a client that does not read holds
 *    that much, and the answers of operations that had begun. Above `maxUnsentBytes` the socket closes.
 *  - Unsent bytes of a client address: above `crowdedClientBytes` its sockets get no turn.
 *  - Unsent bytes of all sockets: above `crowdedBytes` only clients without unsent bytes get turns.
 *  - While clients get no turns for either reason, their worst socket is cut off every `sheddingMs`; and at once when
 *    all sockets are above `maxHeldBytes`. The worst socket has the largest product of unsent bytes and time without
 *    progress. A client that reads its answers holds few bytes for a short time, so an attacker's sockets are cut off.
 *  - Garbage: an operation that is sent again is not parsed again (socketDocuments.ts).
 *  - Time: one upgrade or message in each turn of the event loop, client addresses by turns (socketTurns.ts). So the
 *    follower of the log of revocations, HTTP and other clients wait for one operation at a time.
 */

/** Operations of one socket that run at a time. */
export const maxOperations = 32
/** Unsent bytes of one socket. */
export const maxUnsentBytes = 1_048_576
/** Unsent bytes of one socket above which it gets no turn. */
export const congestedBytes = 16_384
/** Unsent bytes of one client address above which its sockets get no turn. */
export const crowdedClientBytes = 1_048_576
/** Unsent bytes of all sockets above which clients that have some get no turn. */
export const crowdedBytes = 8_388_608
/** Unsent bytes of all sockets. */
export const maxHeldBytes = 16_777_216
/** How often a socket is cut off while clients get no turns. */
export const sheddingMs = 100
/** Received bytes of one client address that wait for their turn. */
export const maxReceivedClientBytes = 131_072
/** Received bytes of all sockets that wait for their turn. */
export const maxReceivedBytes = 4_194_304
/** Received messages of one socket that wait for their turn. */
export const maxMessages = 1000
/** What a received message costs in memory beside its text. */
export const messageOverheadBytes = 64
/** How long a socket without a token may stay, where only guarded subscriptions exist. */
export const anonymousMs = 10_000
/** A client that answers no ping within this time is gone. */
export const keepAliveMs = 12_000
/** How long the other side may take to answer a close. */
export const closeMs = 2000
