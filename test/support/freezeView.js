import { RevocationView } from '../../dist/revocation/view.js'

/*
 * For `node --import`: a node with the worst of bugs. Its follower reads the log and acknowledges it, and its view
 * learns nothing of it. A checker that does not find this one finds nothing.
 */

RevocationView.prototype.apply = () => {}
