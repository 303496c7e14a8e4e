/** AssemblyScript's integer type, as the layout tables use it. */
declare type u32 = number;
