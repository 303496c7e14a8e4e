/**
 * The stack probe: makes sure, before an operation changes anything, that the thread has stack left for all of it. A
 * RangeError in mid-operation would be as bad as the death of the thread. So exports probe, and what they call does not: a
 * probe that throws deeper down would throw with locks held and counts owed.
 *
 * V8 checks the stack limit against the whole frame at the entry of a function whose frame is larger than 4 KiB
 * (CodeGenerator::AssembleConstructFrame), so calling a function with 512 values that are live across a call checks for
 * more than 4 KiB at the price of one call: the branch that holds them is never taken.
 *
 * V8 12 (Node 22) optimises that frame away. There the host says that a probe takes more levels: calls one inside the other,
 * each with a frame of some 200 bytes.
 */
import { now } from "./clock";
import { stackLevels, tid } from "./registers";

/** Throws a RangeError (V8 does) if less than 4 KiB of stack are left. */
// @ts-ignore: decorator
@inline export function stackProbe(): void {
  stackFrames(stackLevels);
}

/** The same for 8 KiB: for what opens something (a batch, a scope) that a second call, which probes too, must close. */
// @ts-ignore: decorator
@inline export function stackProbeTwice(): void {
  stackFrames(stackLevels << 1);
}

function stackFrames(wanted: u32): void {
  if (wanted > 1) stackFrames(wanted - 1);
  if (tid != 0) return; // slot 0 does not exist: always so
  const p: usize = 0;
  const v0 = load<u64>(p, 0), v1 = load<u64>(p, 8), v2 = load<u64>(p, 16), v3 = load<u64>(p, 24), v4 = load<u64>(p, 32), v5 = load<u64>(p, 40), v6 = load<u64>(p, 48), v7 = load<u64>(p, 56);
  const v8 = load<u64>(p, 64), v9 = load<u64>(p, 72), v10 = load<u64>(p, 80), v11 = load<u64>(p, 88), v12 = load<u64>(p, 96), v13 = load<u64>(p, 104), v14 = load<u64>(p, 112), v15 = load<u64>(p, 120);
  const v16 = load<u64>(p, 128), v17 = load<u64>(p, 136), v18 = load<u64>(p, 144), v19 = load<u64>(p, 152), v20 = load<u64>(p, 160), v21 = load<u64>(p, 168), v22 = load<u64>(p, 176), v23 = load<u64>(p, 184);
  const v24 = load<u64>(p, 192), v25 = load<u64>(p, 200), v26 = load<u64>(p, 208), v27 = load<u64>(p, 216), v28 = load<u64>(p, 224), v29 = load<u64>(p, 232), v30 = load<u64>(p, 240), v31 = load<u64>(p, 248);
  const v32 = load<u64>(p, 256), v33 = load<u64>(p, 264), v34 = load<u64>(p, 272), v35 = load<u64>(p, 280), v36 = load<u64>(p, 288), v37 = load<u64>(p, 296), v38 = load<u64>(p, 304), v39 = load<u64>(p, 312);
  const v40 = load<u64>(p, 320), v41 = load<u64>(p, 328), v42 = load<u64>(p, 336), v43 = load<u64>(p, 344), v44 = load<u64>(p, 352), v45 = load<u64>(p, 360), v46 = load<u64>(p, 368), v47 = load<u64>(p, 376);
  const v48 = load<u64>(p, 384), v49 = load<u64>(p, 392), v50 = load<u64>(p, 400), v51 = load<u64>(p, 408), v52 = load<u64>(p, 416), v53 = load<u64>(p, 424), v54 = load<u64>(p, 432), v55 = load<u64>(p, 440);
  const v56 = load<u64>(p, 448), v57 = load<u64>(p, 456), v58 = load<u64>(p, 464), v59 = load<u64>(p, 472), v60 = load<u64>(p, 480), v61 = load<u64>(p, 488), v62 = load<u64>(p, 496), v63 = load<u64>(p, 504);
  const v64 = load<u64>(p, 512), v65 = load<u64>(p, 520), v66 = load<u64>(p, 528), v67 = load<u64>(p, 536), v68 = load<u64>(p, 544), v69 = load<u64>(p, 552), v70 = load<u64>(p, 560), v71 = load<u64>(p, 568);
  const v72 = load<u64>(p, 576), v73 = load<u64>(p, 584), v74 = load<u64>(p, 592), v75 = load<u64>(p, 600), v76 = load<u64>(p, 608), v77 = load<u64>(p, 616), v78 = load<u64>(p, 624), v79 = load<u64>(p, 632);
  const v80 = load<u64>(p, 640), v81 = load<u64>(p, 648), v82 = load<u64>(p, 656), v83 = load<u64>(p, 664), v84 = load<u64>(p, 672), v85 = load<u64>(p, 680), v86 = load<u64>(p, 688), v87 = load<u64>(p, 696);
  const v88 = load<u64>(p, 704), v89 = load<u64>(p, 712), v90 = load<u64>(p, 720), v91 = load<u64>(p, 728), v92 = load<u64>(p, 736), v93 = load<u64>(p, 744), v94 = load<u64>(p, 752), v95 = load<u64>(p, 760);
  const v96 = load<u64>(p, 768), v97 = load<u64>(p, 776), v98 = load<u64>(p, 784), v99 = load<u64>(p, 792), v100 = load<u64>(p, 800), v101 = load<u64>(p, 808), v102 = load<u64>(p, 816), v103 = load<u64>(p, 824);
  const v104 = load<u64>(p, 832), v105 = load<u64>(p, 840), v106 = load<u64>(p, 848), v107 = load<u64>(p, 856), v108 = load<u64>(p, 864), v109 = load<u64>(p, 872), v110 = load<u64>(p, 880), v111 = load<u64>(p, 888);
  const v112 = load<u64>(p, 896), v113 = load<u64>(p, 904), v114 = load<u64>(p, 912), v115 = load<u64>(p, 920), v116 = load<u64>(p, 928), v117 = load<u64>(p, 936), v118 = load<u64>(p, 944), v119 = load<u64>(p, 952);
  const v120 = load<u64>(p, 960), v121 = load<u64>(p, 968), v122 = load<u64>(p, 976), v123 = load<u64>(p, 984), v124 = load<u64>(p, 992), v125 = load<u64>(p, 1000), v126 = load<u64>(p, 1008), v127 = load<u64>(p, 1016);
  const v128 = load<u64>(p, 1024), v129 = load<u64>(p, 1032), v130 = load<u64>(p, 1040), v131 = load<u64>(p, 1048), v132 = load<u64>(p, 1056), v133 = load<u64>(p, 1064), v134 = load<u64>(p, 1072), v135 = load<u64>(p, 1080);
  const v136 = load<u64>(p, 1088), v137 = load<u64>(p, 1096), v138 = load<u64>(p, 1104), v139 = load<u64>(p, 1112), v140 = load<u64>(p, 1120), v141 = load<u64>(p, 1128), v142 = load<u64>(p, 1136), v143 = load<u64>(p, 1144);
  const v144 = load<u64>(p, 1152), v145 = load<u64>(p, 1160), v146 = load<u64>(p, 1168), v147 = load<u64>(p, 1176), v148 = load<u64>(p, 1184), v149 = load<u64>(p, 1192), v150 = load<u64>(p, 1200), v151 = load<u64>(p, 1208);
  const v152 = load<u64>(p, 1216), v153 = load<u64>(p, 1224), v154 = load<u64>(p, 1232), v155 = load<u64>(p, 1240), v156 = load<u64>(p, 1248), v157 = load<u64>(p, 1256), v158 = load<u64>(p, 1264), v159 = load<u64>(p, 1272);
  const v160 = load<u64>(p, 1280), v161 = load<u64>(p, 1288), v162 = load<u64>(p, 1296), v163 = load<u64>(p, 1304), v164 = load<u64>(p, 1312), v165 = load<u64>(p, 1320), v166 = load<u64>(p, 1328), v167 = load<u64>(p, 1336);
  const v168 = load<u64>(p, 1344), v169 = load<u64>(p, 1352), v170 = load<u64>(p, 1360), v171 = load<u64>(p, 1368), v172 = load<u64>(p, 1376), v173 = load<u64>(p, 1384), v174 = load<u64>(p, 1392), v175 = load<u64>(p, 1400);
  const v176 = load<u64>(p, 1408), v177 = load<u64>(p, 1416), v178 = load<u64>(p, 1424), v179 = load<u64>(p, 1432), v180 = load<u64>(p, 1440), v181 = load<u64>(p, 1448), v182 = load<u64>(p, 1456), v183 = load<u64>(p, 1464);
  const v184 = load<u64>(p, 1472), v185 = load<u64>(p, 1480), v186 = load<u64>(p, 1488), v187 = load<u64>(p, 1496), v188 = load<u64>(p, 1504), v189 = load<u64>(p, 1512), v190 = load<u64>(p, 1520), v191 = load<u64>(p, 1528);
  const v192 = load<u64>(p, 1536), v193 = load<u64>(p, 1544), v194 = load<u64>(p, 1552), v195 = load<u64>(p, 1560), v196 = load<u64>(p, 1568), v197 = load<u64>(p, 1576), v198 = load<u64>(p, 1584), v199 = load<u64>(p, 1592);
  const v200 = load<u64>(p, 1600), v201 = load<u64>(p, 1608), v202 = load<u64>(p, 1616), v203 = load<u64>(p, 1624), v204 = load<u64>(p, 1632), v205 = load<u64>(p, 1640), v206 = load<u64>(p, 1648), v207 = load<u64>(p, 1656);
  const v208 = load<u64>(p, 1664), v209 = load<u64>(p, 1672), v210 = load<u64>(p, 1680), v211 = load<u64>(p, 1688), v212 = load<u64>(p, 1696), v213 = load<u64>(p, 1704), v214 = load<u64>(p, 1712), v215 = load<u64>(p, 1720);
  const v216 = load<u64>(p, 1728), v217 = load<u64>(p, 1736), v218 = load<u64>(p, 1744), v219 = load<u64>(p, 1752), v220 = load<u64>(p, 1760), v221 = load<u64>(p, 1768), v222 = load<u64>(p, 1776), v223 = load<u64>(p, 1784);
  const v224 = load<u64>(p, 1792), v225 = load<u64>(p, 1800), v226 = load<u64>(p, 1808), v227 = load<u64>(p, 1816), v228 = load<u64>(p, 1824), v229 = load<u64>(p, 1832), v230 = load<u64>(p, 1840), v231 = load<u64>(p, 1848);
  const v232 = load<u64>(p, 1856), v233 = load<u64>(p, 1864), v234 = load<u64>(p, 1872), v235 = load<u64>(p, 1880), v236 = load<u64>(p, 1888), v237 = load<u64>(p, 1896), v238 = load<u64>(p, 1904), v239 = load<u64>(p, 1912);
  const v240 = load<u64>(p, 1920), v241 = load<u64>(p, 1928), v242 = load<u64>(p, 1936), v243 = load<u64>(p, 1944), v244 = load<u64>(p, 1952), v245 = load<u64>(p, 1960), v246 = load<u64>(p, 1968), v247 = load<u64>(p, 1976);
  const v248 = load<u64>(p, 1984), v249 = load<u64>(p, 1992), v250 = load<u64>(p, 2000), v251 = load<u64>(p, 2008), v252 = load<u64>(p, 2016), v253 = load<u64>(p, 2024), v254 = load<u64>(p, 2032), v255 = load<u64>(p, 2040);
  const v256 = load<u64>(p, 2048), v257 = load<u64>(p, 2056), v258 = load<u64>(p, 2064), v259 = load<u64>(p, 2072), v260 = load<u64>(p, 2080), v261 = load<u64>(p, 2088), v262 = load<u64>(p, 2096), v263 = load<u64>(p, 2104);
  const v264 = load<u64>(p, 2112), v265 = load<u64>(p, 2120), v266 = load<u64>(p, 2128), v267 = load<u64>(p, 2136), v268 = load<u64>(p, 2144), v269 = load<u64>(p, 2152), v270 = load<u64>(p, 2160), v271 = load<u64>(p, 2168);
  const v272 = load<u64>(p, 2176), v273 = load<u64>(p, 2184), v274 = load<u64>(p, 2192), v275 = load<u64>(p, 2200), v276 = load<u64>(p, 2208), v277 = load<u64>(p, 2216), v278 = load<u64>(p, 2224), v279 = load<u64>(p, 2232);
  const v280 = load<u64>(p, 2240), v281 = load<u64>(p, 2248), v282 = load<u64>(p, 2256), v283 = load<u64>(p, 2264), v284 = load<u64>(p, 2272), v285 = load<u64>(p, 2280), v286 = load<u64>(p, 2288), v287 = load<u64>(p, 2296);
  const v288 = load<u64>(p, 2304), v289 = load<u64>(p, 2312), v290 = load<u64>(p, 2320), v291 = load<u64>(p, 2328), v292 = load<u64>(p, 2336), v293 = load<u64>(p, 2344), v294 = load<u64>(p, 2352), v295 = load<u64>(p, 2360);
  const v296 = load<u64>(p, 2368), v297 = load<u64>(p, 2376), v298 = load<u64>(p, 2384), v299 = load<u64>(p, 2392), v300 = load<u64>(p, 2400), v301 = load<u64>(p, 2408), v302 = load<u64>(p, 2416), v303 = load<u64>(p, 2424);
  const v304 = load<u64>(p, 2432), v305 = load<u64>(p, 2440), v306 = load<u64>(p, 2448), v307 = load<u64>(p, 2456), v308 = load<u64>(p, 2464), v309 = load<u64>(p, 2472), v310 = load<u64>(p, 2480), v311 = load<u64>(p, 2488);
  const v312 = load<u64>(p, 2496), v313 = load<u64>(p, 2504), v314 = load<u64>(p, 2512), v315 = load<u64>(p, 2520), v316 = load<u64>(p, 2528), v317 = load<u64>(p, 2536), v318 = load<u64>(p, 2544), v319 = load<u64>(p, 2552);
  const v320 = load<u64>(p, 2560), v321 = load<u64>(p, 2568), v322 = load<u64>(p, 2576), v323 = load<u64>(p, 2584), v324 = load<u64>(p, 2592), v325 = load<u64>(p, 2600), v326 = load<u64>(p, 2608), v327 = load<u64>(p, 2616);
  const v328 = load<u64>(p, 2624), v329 = load<u64>(p, 2632), v330 = load<u64>(p, 2640), v331 = load<u64>(p, 2648), v332 = load<u64>(p, 2656), v333 = load<u64>(p, 2664), v334 = load<u64>(p, 2672), v335 = load<u64>(p, 2680);
  const v336 = load<u64>(p, 2688), v337 = load<u64>(p, 2696), v338 = load<u64>(p, 2704), v339 = load<u64>(p, 2712), v340 = load<u64>(p, 2720), v341 = load<u64>(p, 2728), v342 = load<u64>(p, 2736), v343 = load<u64>(p, 2744);
  const v344 = load<u64>(p, 2752), v345 = load<u64>(p, 2760), v346 = load<u64>(p, 2768), v347 = load<u64>(p, 2776), v348 = load<u64>(p, 2784), v349 = load<u64>(p, 2792), v350 = load<u64>(p, 2800), v351 = load<u64>(p, 2808);
  const v352 = load<u64>(p, 2816), v353 = load<u64>(p, 2824), v354 = load<u64>(p, 2832), v355 = load<u64>(p, 2840), v356 = load<u64>(p, 2848), v357 = load<u64>(p, 2856), v358 = load<u64>(p, 2864), v359 = load<u64>(p, 2872);
  const v360 = load<u64>(p, 2880), v361 = load<u64>(p, 2888), v362 = load<u64>(p, 2896), v363 = load<u64>(p, 2904), v364 = load<u64>(p, 2912), v365 = load<u64>(p, 2920), v366 = load<u64>(p, 2928), v367 = load<u64>(p, 2936);
  const v368 = load<u64>(p, 2944), v369 = load<u64>(p, 2952), v370 = load<u64>(p, 2960), v371 = load<u64>(p, 2968), v372 = load<u64>(p, 2976), v373 = load<u64>(p, 2984), v374 = load<u64>(p, 2992), v375 = load<u64>(p, 3000);
  const v376 = load<u64>(p, 3008), v377 = load<u64>(p, 3016), v378 = load<u64>(p, 3024), v379 = load<u64>(p, 3032), v380 = load<u64>(p, 3040), v381 = load<u64>(p, 3048), v382 = load<u64>(p, 3056), v383 = load<u64>(p, 3064);
  const v384 = load<u64>(p, 3072), v385 = load<u64>(p, 3080), v386 = load<u64>(p, 3088), v387 = load<u64>(p, 3096), v388 = load<u64>(p, 3104), v389 = load<u64>(p, 3112), v390 = load<u64>(p, 3120), v391 = load<u64>(p, 3128);
  const v392 = load<u64>(p, 3136), v393 = load<u64>(p, 3144), v394 = load<u64>(p, 3152), v395 = load<u64>(p, 3160), v396 = load<u64>(p, 3168), v397 = load<u64>(p, 3176), v398 = load<u64>(p, 3184), v399 = load<u64>(p, 3192);
  const v400 = load<u64>(p, 3200), v401 = load<u64>(p, 3208), v402 = load<u64>(p, 3216), v403 = load<u64>(p, 3224), v404 = load<u64>(p, 3232), v405 = load<u64>(p, 3240), v406 = load<u64>(p, 3248), v407 = load<u64>(p, 3256);
  const v408 = load<u64>(p, 3264), v409 = load<u64>(p, 3272), v410 = load<u64>(p, 3280), v411 = load<u64>(p, 3288), v412 = load<u64>(p, 3296), v413 = load<u64>(p, 3304), v414 = load<u64>(p, 3312), v415 = load<u64>(p, 3320);
  const v416 = load<u64>(p, 3328), v417 = load<u64>(p, 3336), v418 = load<u64>(p, 3344), v419 = load<u64>(p, 3352), v420 = load<u64>(p, 3360), v421 = load<u64>(p, 3368), v422 = load<u64>(p, 3376), v423 = load<u64>(p, 3384);
  const v424 = load<u64>(p, 3392), v425 = load<u64>(p, 3400), v426 = load<u64>(p, 3408), v427 = load<u64>(p, 3416), v428 = load<u64>(p, 3424), v429 = load<u64>(p, 3432), v430 = load<u64>(p, 3440), v431 = load<u64>(p, 3448);
  const v432 = load<u64>(p, 3456), v433 = load<u64>(p, 3464), v434 = load<u64>(p, 3472), v435 = load<u64>(p, 3480), v436 = load<u64>(p, 3488), v437 = load<u64>(p, 3496), v438 = load<u64>(p, 3504), v439 = load<u64>(p, 3512);
  const v440 = load<u64>(p, 3520), v441 = load<u64>(p, 3528), v442 = load<u64>(p, 3536), v443 = load<u64>(p, 3544), v444 = load<u64>(p, 3552), v445 = load<u64>(p, 3560), v446 = load<u64>(p, 3568), v447 = load<u64>(p, 3576);
  const v448 = load<u64>(p, 3584), v449 = load<u64>(p, 3592), v450 = load<u64>(p, 3600), v451 = load<u64>(p, 3608), v452 = load<u64>(p, 3616), v453 = load<u64>(p, 3624), v454 = load<u64>(p, 3632), v455 = load<u64>(p, 3640);
  const v456 = load<u64>(p, 3648), v457 = load<u64>(p, 3656), v458 = load<u64>(p, 3664), v459 = load<u64>(p, 3672), v460 = load<u64>(p, 3680), v461 = load<u64>(p, 3688), v462 = load<u64>(p, 3696), v463 = load<u64>(p, 3704);
  const v464 = load<u64>(p, 3712), v465 = load<u64>(p, 3720), v466 = load<u64>(p, 3728), v467 = load<u64>(p, 3736), v468 = load<u64>(p, 3744), v469 = load<u64>(p, 3752), v470 = load<u64>(p, 3760), v471 = load<u64>(p, 3768);
  const v472 = load<u64>(p, 3776), v473 = load<u64>(p, 3784), v474 = load<u64>(p, 3792), v475 = load<u64>(p, 3800), v476 = load<u64>(p, 3808), v477 = load<u64>(p, 3816), v478 = load<u64>(p, 3824), v479 = load<u64>(p, 3832);
  const v480 = load<u64>(p, 3840), v481 = load<u64>(p, 3848), v482 = load<u64>(p, 3856), v483 = load<u64>(p, 3864), v484 = load<u64>(p, 3872), v485 = load<u64>(p, 3880), v486 = load<u64>(p, 3888), v487 = load<u64>(p, 3896);
  const v488 = load<u64>(p, 3904), v489 = load<u64>(p, 3912), v490 = load<u64>(p, 3920), v491 = load<u64>(p, 3928), v492 = load<u64>(p, 3936), v493 = load<u64>(p, 3944), v494 = load<u64>(p, 3952), v495 = load<u64>(p, 3960);
  const v496 = load<u64>(p, 3968), v497 = load<u64>(p, 3976), v498 = load<u64>(p, 3984), v499 = load<u64>(p, 3992), v500 = load<u64>(p, 4000), v501 = load<u64>(p, 4008), v502 = load<u64>(p, 4016), v503 = load<u64>(p, 4024);
  const v504 = load<u64>(p, 4032), v505 = load<u64>(p, 4040), v506 = load<u64>(p, 4048), v507 = load<u64>(p, 4056), v508 = load<u64>(p, 4064), v509 = load<u64>(p, 4072), v510 = load<u64>(p, 4080), v511 = load<u64>(p, 4088);
  now();
  let sum: u64 = v0 ^ v1 ^ v2 ^ v3 ^ v4 ^ v5 ^ v6 ^ v7 ^ v8 ^ v9 ^ v10 ^ v11 ^ v12 ^ v13 ^ v14 ^ v15;
  sum ^= v16 ^ v17 ^ v18 ^ v19 ^ v20 ^ v21 ^ v22 ^ v23 ^ v24 ^ v25 ^ v26 ^ v27 ^ v28 ^ v29 ^ v30 ^ v31;
  sum ^= v32 ^ v33 ^ v34 ^ v35 ^ v36 ^ v37 ^ v38 ^ v39 ^ v40 ^ v41 ^ v42 ^ v43 ^ v44 ^ v45 ^ v46 ^ v47;
  sum ^= v48 ^ v49 ^ v50 ^ v51 ^ v52 ^ v53 ^ v54 ^ v55 ^ v56 ^ v57 ^ v58 ^ v59 ^ v60 ^ v61 ^ v62 ^ v63;
  sum ^= v64 ^ v65 ^ v66 ^ v67 ^ v68 ^ v69 ^ v70 ^ v71 ^ v72 ^ v73 ^ v74 ^ v75 ^ v76 ^ v77 ^ v78 ^ v79;
  sum ^= v80 ^ v81 ^ v82 ^ v83 ^ v84 ^ v85 ^ v86 ^ v87 ^ v88 ^ v89 ^ v90 ^ v91 ^ v92 ^ v93 ^ v94 ^ v95;
  sum ^= v96 ^ v97 ^ v98 ^ v99 ^ v100 ^ v101 ^ v102 ^ v103 ^ v104 ^ v105 ^ v106 ^ v107 ^ v108 ^ v109 ^ v110 ^ v111;
  sum ^= v112 ^ v113 ^ v114 ^ v115 ^ v116 ^ v117 ^ v118 ^ v119 ^ v120 ^ v121 ^ v122 ^ v123 ^ v124 ^ v125 ^ v126 ^ v127;
  sum ^= v128 ^ v129 ^ v130 ^ v131 ^ v132 ^ v133 ^ v134 ^ v135 ^ v136 ^ v137 ^ v138 ^ v139 ^ v140 ^ v141 ^ v142 ^ v143;
  sum ^= v144 ^ v145 ^ v146 ^ v147 ^ v148 ^ v149 ^ v150 ^ v151 ^ v152 ^ v153 ^ v154 ^ v155 ^ v156 ^ v157 ^ v158 ^ v159;
  sum ^= v160 ^ v161 ^ v162 ^ v163 ^ v164 ^ v165 ^ v166 ^ v167 ^ v168 ^ v169 ^ v170 ^ v171 ^ v172 ^ v173 ^ v174 ^ v175;
  sum ^= v176 ^ v177 ^ v178 ^ v179 ^ v180 ^ v181 ^ v182 ^ v183 ^ v184 ^ v185 ^ v186 ^ v187 ^ v188 ^ v189 ^ v190 ^ v191;
  sum ^= v192 ^ v193 ^ v194 ^ v195 ^ v196 ^ v197 ^ v198 ^ v199 ^ v200 ^ v201 ^ v202 ^ v203 ^ v204 ^ v205 ^ v206 ^ v207;
  sum ^= v208 ^ v209 ^ v210 ^ v211 ^ v212 ^ v213 ^ v214 ^ v215 ^ v216 ^ v217 ^ v218 ^ v219 ^ v220 ^ v221 ^ v222 ^ v223;
  sum ^= v224 ^ v225 ^ v226 ^ v227 ^ v228 ^ v229 ^ v230 ^ v231 ^ v232 ^ v233 ^ v234 ^ v235 ^ v236 ^ v237 ^ v238 ^ v239;
  sum ^= v240 ^ v241 ^ v242 ^ v243 ^ v244 ^ v245 ^ v246 ^ v247 ^ v248 ^ v249 ^ v250 ^ v251 ^ v252 ^ v253 ^ v254 ^ v255;
  sum ^= v256 ^ v257 ^ v258 ^ v259 ^ v260 ^ v261 ^ v262 ^ v263 ^ v264 ^ v265 ^ v266 ^ v267 ^ v268 ^ v269 ^ v270 ^ v271;
  sum ^= v272 ^ v273 ^ v274 ^ v275 ^ v276 ^ v277 ^ v278 ^ v279 ^ v280 ^ v281 ^ v282 ^ v283 ^ v284 ^ v285 ^ v286 ^ v287;
  sum ^= v288 ^ v289 ^ v290 ^ v291 ^ v292 ^ v293 ^ v294 ^ v295 ^ v296 ^ v297 ^ v298 ^ v299 ^ v300 ^ v301 ^ v302 ^ v303;
  sum ^= v304 ^ v305 ^ v306 ^ v307 ^ v308 ^ v309 ^ v310 ^ v311 ^ v312 ^ v313 ^ v314 ^ v315 ^ v316 ^ v317 ^ v318 ^ v319;
  sum ^= v320 ^ v321 ^ v322 ^ v323 ^ v324 ^ v325 ^ v326 ^ v327 ^ v328 ^ v329 ^ v330 ^ v331 ^ v332 ^ v333 ^ v334 ^ v335;
  sum ^= v336 ^ v337 ^ v338 ^ v339 ^ v340 ^ v341 ^ v342 ^ v343 ^ v344 ^ v345 ^ v346 ^ v347 ^ v348 ^ v349 ^ v350 ^ v351;
  sum ^= v352 ^ v353 ^ v354 ^ v355 ^ v356 ^ v357 ^ v358 ^ v359 ^ v360 ^ v361 ^ v362 ^ v363 ^ v364 ^ v365 ^ v366 ^ v367;
  sum ^= v368 ^ v369 ^ v370 ^ v371 ^ v372 ^ v373 ^ v374 ^ v375 ^ v376 ^ v377 ^ v378 ^ v379 ^ v380 ^ v381 ^ v382 ^ v383;
  sum ^= v384 ^ v385 ^ v386 ^ v387 ^ v388 ^ v389 ^ v390 ^ v391 ^ v392 ^ v393 ^ v394 ^ v395 ^ v396 ^ v397 ^ v398 ^ v399;
  sum ^= v400 ^ v401 ^ v402 ^ v403 ^ v404 ^ v405 ^ v406 ^ v407 ^ v408 ^ v409 ^ v410 ^ v411 ^ v412 ^ v413 ^ v414 ^ v415;
  sum ^= v416 ^ v417 ^ v418 ^ v419 ^ v420 ^ v421 ^ v422 ^ v423 ^ v424 ^ v425 ^ v426 ^ v427 ^ v428 ^ v429 ^ v430 ^ v431;
  sum ^= v432 ^ v433 ^ v434 ^ v435 ^ v436 ^ v437 ^ v438 ^ v439 ^ v440 ^ v441 ^ v442 ^ v443 ^ v444 ^ v445 ^ v446 ^ v447;
  sum ^= v448 ^ v449 ^ v450 ^ v451 ^ v452 ^ v453 ^ v454 ^ v455 ^ v456 ^ v457 ^ v458 ^ v459 ^ v460 ^ v461 ^ v462 ^ v463;
  sum ^= v464 ^ v465 ^ v466 ^ v467 ^ v468 ^ v469 ^ v470 ^ v471 ^ v472 ^ v473 ^ v474 ^ v475 ^ v476 ^ v477 ^ v478 ^ v479;
  sum ^= v480 ^ v481 ^ v482 ^ v483 ^ v484 ^ v485 ^ v486 ^ v487 ^ v488 ^ v489 ^ v490 ^ v491 ^ v492 ^ v493 ^ v494 ^ v495;
  sum ^= v496 ^ v497 ^ v498 ^ v499 ^ v500 ^ v501 ^ v502 ^ v503 ^ v504 ^ v505 ^ v506 ^ v507 ^ v508 ^ v509 ^ v510 ^ v511;
  store<u64>(p, sum);
}
