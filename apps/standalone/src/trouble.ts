/** Something that ends the launcher with one sentence: what is wrong and what to do. */
export class StartError extends Error {}
