/* What Annul's SDL may be printed for. Without imports: the command names the formats before it loads GraphQL. */

export const contractFormats = ['plain', 'federation', 'stitching'] as const
export type ContractFormat = (typeof contractFormats)[number]

/** Which directives say at a gateway what `@auth` says: Annul's own alone, or Apollo's beside it. */
export const securities = ['annul', 'apollo'] as const
export type SubgraphSecurity = (typeof securities)[number]
