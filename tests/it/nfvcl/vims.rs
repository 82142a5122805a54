//! VIMs: made, listed, removed, taken over.

use super::{PASSWORD, stored, vim, worlds};
use serde_json::json;
use smo::serve::nfvcl::NfvclError;
use smo::serve::nfvcl::rows::Vim;

#[tokio::test]
async fn vims_are_made_listed_and_removed() {
    for world in worlds("vims_are_made_listed_and_removed").await {
        let (first, said) = world.sites.create_vim(vim("athens", 4)).await.unwrap();
        assert_eq!((first.id, first.pop_area, first.present, &first.reason), (1, Some(4), true, &None));
        assert!(!said.to_string().contains(PASSWORD));
        let (second, _) = world.sites.create_vim(vim("berlin", 5)).await.unwrap();
        assert_eq!(second.id, 2);
        // Each network once: `control` is there already when the second comes.
        let topology = world.nfvcl.state().topology.clone().unwrap();
        let networks: Vec<&str> =
            topology["networks"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
        assert_eq!(networks, ["control", "data-4", "data-5"]);
        assert_eq!((topology["id"].as_str(), topology["vims"][1]["areas"][0].as_i64()), (Some("topology-1"), Some(5)));
        assert_eq!(topology["vims"][0]["vim_password"], PASSWORD, "NFVCL gets it");
        let names = |vims: Vec<Vim>| vims.into_iter().map(|vim| vim.name).collect::<Vec<_>>();
        assert_eq!(names(world.sites.vims(None).await.unwrap()), ["athens", "berlin"]);
        assert_eq!(names(world.sites.vims(Some(5)).await.unwrap()), ["berlin"]);
        assert_eq!(world.sites.vim("2").await.unwrap().name, "berlin");
        for (again, says) in
            [(vim("athens", 6), "known already"), (vim("rome", 5), "the area 5 is that of the VIM `berlin`")]
        {
            let error = world.sites.create_vim(again).await.unwrap_err();
            assert!(matches!(&error, NfvclError::Conflict(reason) if reason.contains(says)), "{error:?}");
        }
        let (_, said) = world.sites.delete_vim("1").await.unwrap();
        assert!(!said.is_null());
        assert_eq!(world.nfvcl.asked("DELETE"), ["/v1/topology/vim/athens"]);
        assert_eq!(names(world.sites.vims(None).await.unwrap()), ["berlin"]);
        assert!(matches!(world.sites.delete_vim("athens").await, Err(NfvclError::Absent(_))));
        assert!(!stored(&world.store).await.contains(PASSWORD));
    }
}

#[tokio::test]
async fn vims_that_others_made_are_taken_over_and_none_is_forgotten() {
    for world in worlds("vims_that_others_made_are_taken_over_and_none_is_forgotten").await {
        world.sites.create_vim(vim("athens", 4)).await.unwrap();
        {
            let mut state = world.nfvcl.state();
            let vims = state.topology.as_mut().unwrap()["vims"].as_array_mut().unwrap();
            let mut other = vims[0].clone();
            (other["name"], other["areas"], other["networks"]) = ("oslo".into(), json!([7, 8]), json!(["m", "s", "x"]));
            vims.push(other);
        }
        let found = world.sites.sync_vims().await.unwrap();
        assert_eq!((found.added, found.updated), (vec!["oslo".to_owned()], vec![]));
        let oslo = world.sites.vim("oslo").await.unwrap();
        assert_eq!(
            (oslo.pop_area, oslo.mgmt_network.as_deref(), oslo.service_network.as_deref()),
            (Some(7), Some("m"), Some("s"))
        );
        let shown = oslo.original();
        assert_eq!((&shown["vim_type"], &shown["vim_networks"]), (&json!("Openstack"), &json!(["m", "s", "x"])));
        let again = world.sites.sync_vims().await.unwrap();
        assert_eq!((again.added.len(), again.updated.len(), again.items.len()), (0, 0, 2));
        world.nfvcl.state().topology.as_mut().unwrap()["vims"].as_array_mut().unwrap().remove(0);
        let gone = world.sites.sync_vims().await.unwrap();
        assert_eq!(gone.updated, ["athens"]);
        assert!(!world.sites.vim("athens").await.unwrap().present);
        assert!(!stored(&world.store).await.contains(PASSWORD));
    }
}
