//! Countries by their ISO 3166-1 code: the one that a source gives, or that of a name as the lists write it.
//!
//! A name that is none of these is no country that can be told by a code, and none is guessed. Not here: the names
//! themselves, which a record keeps as written.

use comity_watchlist::Country;

/// Names in lower case, sorted by their bytes: those of the UN, and others that official lists write.
#[rustfmt::skip]
const NAMES: [(&str, &str); 278] = [
    ("afghanistan", "AF"), ("albania", "AL"), ("algeria", "DZ"), ("american samoa", "AS"), ("andorra", "AD"),
    ("angola", "AO"), ("anguilla", "AI"), ("antigua and barbuda", "AG"), ("argentina", "AR"), ("armenia", "AM"),
    ("aruba", "AW"), ("australia", "AU"), ("austria", "AT"), ("azerbaijan", "AZ"), ("bahamas", "BS"),
    ("bahamas, the", "BS"), ("bahrain", "BH"), ("bangladesh", "BD"), ("barbados", "BB"), ("belarus", "BY"),
    ("belgium", "BE"), ("belize", "BZ"), ("benin", "BJ"), ("bermuda", "BM"), ("bhutan", "BT"), ("bolivia", "BO"),
    ("bolivia (plurinational state of)", "BO"), ("bosnia and herzegovina", "BA"), ("botswana", "BW"),
    ("brazil", "BR"), ("british virgin islands", "VG"), ("brunei", "BN"), ("brunei darussalam", "BN"),
    ("bulgaria", "BG"), ("burkina faso", "BF"), ("burma", "MM"), ("burundi", "BI"), ("cabo verde", "CV"),
    ("cambodia", "KH"), ("cameroon", "CM"), ("canada", "CA"), ("cape verde", "CV"), ("cayman islands", "KY"),
    ("central african republic", "CF"), ("chad", "TD"), ("chile", "CL"), ("china", "CN"), ("colombia", "CO"),
    ("comoros", "KM"), ("congo", "CG"), ("congo (democratic republic)", "CD"),
    ("congo, democratic republic of the", "CD"), ("congo, republic of the", "CG"), ("cook islands", "CK"),
    ("costa rica", "CR"), ("cote d ivoire", "CI"), ("cote d'ivoire", "CI"), ("croatia", "HR"), ("cuba", "CU"),
    ("curacao", "CW"), ("curaçao", "CW"), ("cyprus", "CY"), ("czech republic", "CZ"), ("czechia", "CZ"),
    ("côte d'ivoire", "CI"), ("côte d’ivoire", "CI"), ("democratic people's republic of korea", "KP"),
    ("democratic people’s republic of korea", "KP"), ("democratic republic of the congo", "CD"), ("denmark", "DK"),
    ("djibouti", "DJ"), ("dominica", "DM"), ("dominican republic", "DO"), ("dprk", "KP"), ("east timor", "TL"),
    ("ecuador", "EC"), ("egypt", "EG"), ("el salvador", "SV"), ("equatorial guinea", "GQ"), ("eritrea", "ER"),
    ("estonia", "EE"), ("eswatini", "SZ"), ("ethiopia", "ET"), ("fiji", "FJ"), ("finland", "FI"), ("france", "FR"),
    ("gabon", "GA"), ("gambia", "GM"), ("gambia, the", "GM"), ("georgia", "GE"), ("germany", "DE"), ("ghana", "GH"),
    ("gibraltar", "GI"), ("greece", "GR"), ("greenland", "GL"), ("grenada", "GD"), ("guam", "GU"),
    ("guatemala", "GT"), ("guernsey", "GG"), ("guinea", "GN"), ("guinea bissau", "GW"), ("guinea-bissau", "GW"),
    ("guyana", "GY"), ("haiti", "HT"), ("holy see", "VA"), ("honduras", "HN"), ("hong kong", "HK"),
    ("hungary", "HU"), ("iceland", "IS"), ("india", "IN"), ("indonesia", "ID"), ("iran", "IR"),
    ("iran (islamic republic of)", "IR"), ("iran, islamic republic of", "IR"), ("iraq", "IQ"), ("ireland", "IE"),
    ("islamic republic of iran", "IR"), ("isle of man", "IM"), ("israel", "IL"), ("italy", "IT"),
    ("ivory coast", "CI"), ("jamaica", "JM"), ("japan", "JP"), ("jersey", "JE"), ("jordan", "JO"),
    ("kazakhstan", "KZ"), ("kenya", "KE"), ("kiribati", "KI"), ("korea, north", "KP"), ("korea, south", "KR"),
    ("kuwait", "KW"), ("kyrgyzstan", "KG"), ("lao people's democratic republic", "LA"), ("laos", "LA"),
    ("latvia", "LV"), ("lebanon", "LB"), ("lesotho", "LS"), ("liberia", "LR"), ("libya", "LY"),
    ("libyan arab jamahiriya", "LY"), ("liechtenstein", "LI"), ("lithuania", "LT"), ("luxembourg", "LU"),
    ("macao", "MO"), ("macau", "MO"), ("macedonia", "MK"), ("macedonia, the former yugoslav republic of", "MK"),
    ("madagascar", "MG"), ("malawi", "MW"), ("malaysia", "MY"), ("maldives", "MV"), ("mali", "ML"), ("malta", "MT"),
    ("man, isle of", "IM"), ("marshall islands", "MH"), ("mauritania", "MR"), ("mauritius", "MU"), ("mexico", "MX"),
    ("micronesia", "FM"), ("micronesia, federated states of", "FM"), ("moldova", "MD"), ("monaco", "MC"),
    ("mongolia", "MN"), ("montenegro", "ME"), ("morocco", "MA"), ("mozambique", "MZ"), ("myanmar", "MM"),
    ("namibia", "NA"), ("nauru", "NR"), ("nepal", "NP"), ("netherlands", "NL"), ("netherlands, the", "NL"),
    ("new zealand", "NZ"), ("nicaragua", "NI"), ("niger", "NE"), ("nigeria", "NG"), ("niue", "NU"),
    ("north korea", "KP"), ("north macedonia", "MK"), ("north macedonia, the republic of", "MK"), ("norway", "NO"),
    ("oman", "OM"), ("pakistan", "PK"), ("palau", "PW"), ("palestinian", "PS"),
    ("palestinian territory, occupied", "PS"), ("panama", "PA"), ("papua new guinea", "PG"), ("paraguay", "PY"),
    ("people's republic of china", "CN"), ("peru", "PE"), ("philippines", "PH"), ("poland", "PL"),
    ("portugal", "PT"), ("puerto rico", "PR"), ("qatar", "QA"), ("republic of korea", "KR"),
    ("republic of moldova", "MD"), ("republic of the congo", "CG"), ("romania", "RO"), ("russia", "RU"),
    ("russian federation", "RU"), ("rwanda", "RW"), ("saint kitts and nevis", "KN"), ("saint lucia", "LC"),
    ("saint vincent and the grenadines", "VC"), ("samoa", "WS"), ("san marino", "SM"),
    ("sao tome and principe", "ST"), ("saudi arabia", "SA"), ("senegal", "SN"), ("serbia", "RS"),
    ("seychelles", "SC"), ("sierra leone", "SL"), ("singapore", "SG"), ("slovakia", "SK"), ("slovenia", "SI"),
    ("solomon islands", "SB"), ("somalia", "SO"), ("south africa", "ZA"), ("south korea", "KR"),
    ("south sudan", "SS"), ("spain", "ES"), ("sri lanka", "LK"), ("st. kitts and nevis", "KN"), ("st. lucia", "LC"),
    ("st. vincent and the grenadines", "VC"), ("state of palestine", "PS"), ("sudan", "SD"), ("sudan, the", "SD"),
    ("suriname", "SR"), ("swaziland", "SZ"), ("sweden", "SE"), ("switzerland", "CH"), ("syria", "SY"),
    ("syrian arab republic", "SY"), ("taiwan", "TW"), ("tajikistan", "TJ"), ("tanzania", "TZ"), ("thailand", "TH"),
    ("the bahamas", "BS"), ("the democratic republic of the congo", "CD"), ("the gambia", "GM"),
    ("the netherlands", "NL"), ("the sudan", "SD"), ("timor-leste", "TL"), ("togo", "TG"), ("tonga", "TO"),
    ("trinidad and tobago", "TT"), ("tunisia", "TN"), ("turkey", "TR"), ("turkmenistan", "TM"),
    ("turks and caicos islands", "TC"), ("tuvalu", "TV"), ("türkiye", "TR"), ("uganda", "UG"), ("ukraine", "UA"),
    ("united arab emirates", "AE"), ("united kingdom", "GB"),
    ("united kingdom of great britain and northern ireland", "GB"), ("united republic of tanzania", "TZ"),
    ("united states", "US"), ("united states of america", "US"), ("uruguay", "UY"), ("uzbekistan", "UZ"),
    ("vanuatu", "VU"), ("vatican city", "VA"), ("venezuela", "VE"), ("venezuela (bolivarian republic of)", "VE"),
    ("viet nam", "VN"), ("vietnam", "VN"), ("virgin islands, british", "VG"), ("virgin islands, u.s.", "VI"),
    ("west bank", "PS"), ("yemen", "YE"), ("zambia", "ZM"), ("zimbabwe", "ZW"), ("åland islands", "AX"),
];

/// The code in capitals, two letters.
pub(super) fn code_of(country: &Country) -> Option<String> {
    let is_code = |code: &str| code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_alphabetic());
    let given = country.code.as_ref().map(|code| code.as_str().trim()).filter(|code| is_code(code));
    // User-assigned codes name no country (ISO 3166-1, 8.1.3), but XK, which all of the lists write.
    let given = given.map(str::to_ascii_uppercase).filter(|code| code == "XK" || is_assigned(code));
    given.or_else(|| {
        let name = country.name.as_str().trim().to_lowercase();
        let at = NAMES.binary_search_by(|(known, _)| (*known).cmp(name.as_str())).ok()?;
        NAMES.get(at).map(|(_, code)| (*code).to_owned())
    })
}

fn is_assigned(code: &str) -> bool {
    let user = matches!(code, "AA" | "ZZ")
        || code.starts_with('X')
        || matches!(code.as_bytes(), [b'Q', b'M'..=b'Z']);
    !user
}

#[cfg(test)]
mod tests {
    use comity_watchlist::Text;

    use super::*;

    fn of(name: &str, code: Option<&str>) -> Option<String> {
        let mut country = Country::new(Text::new(name).unwrap());
        country.code = code.map(|code| Text::new(code).unwrap());
        code_of(&country)
    }

    #[test]
    fn names_are_sorted_and_give_their_code() {
        assert!(NAMES.windows(2).all(|two| two[0].0 < two[1].0));
        assert!(NAMES.iter().all(|(name, code)| of(name, None).as_deref() == Some(*code)));
        assert_eq!(of("Korea, North", None).as_deref(), Some("KP"));
        assert_eq!(of(" CÔTE D'IVOIRE ", None).as_deref(), Some("CI"));
    }

    #[test]
    fn a_code_that_is_given_goes_first_and_none_is_guessed() {
        assert_eq!(of("Zenda", Some("de")).as_deref(), Some("DE"));
        assert_eq!(of("Zenda", None), None);
        assert_eq!(of("Zenda", Some("ZZZ")), None);
        assert_eq!(of("Zenda", Some("XA")), None);
        assert_eq!(of("Kosovo", Some("XK")).as_deref(), Some("XK"));
        assert_eq!(of("Iran", Some("00")).as_deref(), Some("IR"));
    }
}
