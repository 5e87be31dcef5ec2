import { RevocationView } from '../../dist/revocation/view.js'

/*
 * For `node --import`: a node with the worst possible bug. Its follower reads and acknowledges revocations, and its view
 * does not learn them. A checker has to find this bug.
 */

RevocationView.prototype.apply = () => {}
